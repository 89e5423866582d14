"""Whether what the deployments set is a setting of Pneumatic, and what compose.yaml mounts is there. Run in the repository's root."""

import re
import sys
from pathlib import Path

import yaml

# Standard variables of OpenTelemetry that its library reads by itself.
OTHERS = re.compile(r"OTEL_\w+")
SETTING = re.compile(r"^    ([A-Z][A-Z0-9_]+) = \"", re.MULTILINE)
ASSIGNED = re.compile(r"^#?([A-Z][A-Z0-9_]+)=", re.MULTILINE)


def known():
    names = {name for file in Path("src/config").glob("*.rs") for name in SETTING.findall(file.read_text())}
    return names or sys.exit("src/config: no settings are found; mend SETTING in " + __file__)


def used():
    """Pairs of a file and a variable that it sets for Pneumatic."""
    yield from (("Procfile", word.split("=")[0]) for word in Path("Procfile").read_text().split() if "=" in word)
    for file in Path(".ebextensions").glob("*.config"):
        settings = yaml.safe_load(file.read_text()).get("option_settings", {})
        yield from ((file, name) for name in settings.get("aws:elasticbeanstalk:application:environment", {}))
    compose = Path("deploy/compose.yaml")
    for name, service in yaml.safe_load(compose.read_text())["services"].items():
        if name.startswith("pneumatic"):
            yield from ((compose, variable) for variable in service["environment"])
    deployment = Path("deploy/kubernetes/deployment.yaml")
    for container in yaml.safe_load(deployment.read_text())["spec"]["template"]["spec"]["containers"]:
        yield from ((deployment, variable["name"]) for variable in container["env"])
    secret = Path("deploy/kubernetes/secret.example.yaml")
    yield from ((secret, name) for name in yaml.safe_load(secret.read_text())["stringData"])
    environment = Path("deploy/systemd/pneumatic.env")
    yield from ((environment, name) for name in ASSIGNED.findall(environment.read_text()))
    unit = Path("deploy/systemd/pneumatic@.service")
    for line in re.findall(r"^Environment=(.*)$", unit.read_text(), re.MULTILINE):
        yield from ((unit, word.split("=")[0]) for word in line.split())
    docker = Path("Dockerfile")
    for line in re.findall(r"^ENV (.*)$", docker.read_text(), re.MULTILINE):
        yield from ((docker, word.split("=")[0]) for word in line.split())


def mounts():
    compose = Path("deploy/compose.yaml")
    content = yaml.safe_load(compose.read_text())
    for service in content["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                if not (compose.parent / source).exists():
                    yield f"{compose}: {source} isn't there"
            elif source not in content["volumes"]:
                yield f"{compose}: {source} isn't among the volumes"


def copies():
    """What the Dockerfile takes from the repository."""
    for line in re.findall(r"^COPY (?!--from)(.*)$", Path("Dockerfile").read_text(), re.MULTILINE):
        yield from (f"Dockerfile: {source} isn't there" for source in line.split()[:-1] if not Path(source).exists())


def main():
    names = known()
    findings = [f"{file}: {name} is no setting" for file, name in used() if name not in names and not OTHERS.fullmatch(name)]
    findings += [*mounts(), *copies()]
    for finding in findings:
        print(finding, file=sys.stderr)
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
