"""Whether a folder is a bundle that Elastic Beanstalk can take: Procfile, .ebextensions and .platform.

Sources: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.build-proc.html (Procfile),
…/customize-containers-ec2.html (sections and the keys of container_commands),
…/customize-containers-format-resources-eb.html (names of the environment's own resources), options.yaml.
"""

import re
import sys
from pathlib import Path

import yaml

SECTIONS = {
    "option_settings", "Resources", "packages", "groups", "users", "sources", "files", "commands", "services", "container_commands"
}
COMMAND_KEYS = {"command", "env", "cwd", "leader_only", "test", "ignoreErrors"}
OWN_RESOURCES = {
    "AWSEBAutoScalingGroup", "AWSEBEnvironmentName", "AWSEBSecurityGroup", "AWSEBV2LoadBalancer", "AWSEBV2LoadBalancerListener",
    "AWSEBV2LoadBalancerListenerRule", "AWSEBV2LoadBalancerTargetGroup"
}
PROCESS = re.compile(r"^[A-Za-z0-9_-]+:\s*[^\s].*$")


def procfile(root):
    lines = (root / "Procfile").read_text().splitlines()
    if not any(line.startswith("web:") for line in lines):
        yield "Procfile: no line begins with web:, to which the proxy forwards"
    yield from (f"Procfile: not a process: {line!r}" for line in lines if not PROCESS.match(line))
    if lines and "TRUSTED_PROXIES=127.0.0.1" not in lines[0]:
        yield "Procfile: TRUSTED_PROXIES doesn't name the platform's nginx, so all clients would share its address"


def options(settings, known):
    for namespace, values in settings.items():
        names = known.get(namespace)
        if names is None:
            yield f"no such namespace: {namespace}"
            continue
        for name, value in values.items():
            if "*" not in names and name not in names:
                yield f"{namespace} has no option {name}"
            elif not isinstance(value, str):
                yield f"{namespace} {name}: put {value!r} in quotation marks"
            elif (allowed := names.get(name)) and value not in allowed:
                yield f"{namespace} {name} can't be {value}: {', '.join(allowed)}"


def commands(entries):
    for name, entry in entries.items():
        yield from (f"container_commands {name} has no key {key}" for key in entry.keys() - COMMAND_KEYS)
        if "command" not in entry:
            yield f"container_commands {name} runs nothing"


def references(node):
    """The resources that a piece of CloudFormation names."""
    if isinstance(node, dict):
        if "Ref" in node:
            yield node["Ref"]
        if "Fn::GetAtt" in node:
            yield node["Fn::GetAtt"][0]
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from references(part)


def resources(entries):
    for name, entry in entries.items():
        if not re.fullmatch(r"AWS::\w+::\w+", entry.get("Type", "")):
            yield f"Resources {name} has no type"
        if extra := entry.keys() - {"Type", "Properties"}:
            yield f"Resources {name} has {', '.join(sorted(extra))}"
        yield from (f"Resources {name} names {other}, which isn't there" for other in references(entry)
                    if other not in entries and other not in OWN_RESOURCES)


def extensions(root, known):
    files = sorted((root / ".ebextensions").iterdir())
    settled = {}
    for file in files:
        say = lambda finding, name=file.name: f".ebextensions/{name}: {finding}"
        if file.suffix != ".config":
            yield say("is ignored: the name has to end with .config")
            continue
        try:
            content = yaml.safe_load(file.read_text())
        except yaml.YAMLError as error:
            yield say(error)
            continue
        yield from (say(f"no such section: {section}") for section in content.keys() - SECTIONS)
        for part, check in (("container_commands", commands), ("Resources", resources)):
            yield from map(say, check(content.get(part, {})))
        settings = content.get("option_settings", {})
        yield from map(say, options(settings, known))
        for namespace, values in settings.items():
            for name, value in values.items():
                if settled.setdefault((namespace, name), value) != value:
                    yield say(f"{namespace} {name} is set to something else before")
    wanted = {
        ("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath"): "/ready",
        ("aws:elasticbeanstalk:command", "DeploymentPolicy"): "RollingWithAdditionalBatch",
    }
    yield from (f".ebextensions: {name} isn't {value}" for (namespace, name), value in wanted.items()
                if settled.get((namespace, name)) != value)


def platform(root):
    for file in (root / ".platform").rglob("*"):
        place = file.relative_to(root)
        if file.is_file() and place.parts[1] == "hooks" and not file.stat().st_mode & 0o111:
            yield f"{place} can't be executed"
        if file.is_file() and place.parts[1] == "nginx" and file.suffix != ".conf":
            yield f"{place} is ignored: the name has to end with .conf"


def main():
    root = Path(sys.argv[1])
    known = yaml.safe_load((Path(__file__).parent / "options.yaml").read_text())
    findings = [*procfile(root), *extensions(root, known), *platform(root)]
    for finding in findings:
        print(finding, file=sys.stderr)
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
