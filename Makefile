.PHONY: help run test lint fmt migrate bench load chaos autobahn fuzz soak growth dist

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the server (release build)
	cargo run --release

test: ## Run every test; installs and starts what they need
	tests/run.sh

lint: ## Check formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Format the sources
	cargo fmt --all

migrate: ## Bring the database's schema up to date
	cargo run --release -- migrate

bench: ## Measure beside other servers, and write docs/BENCHMARKS.md
	bench/sitting.sh

load: ## Measure the fan-out of 20 rooms of 20, of ours alone
	bench/run.sh

chaos: ## Torment a server, and check that nothing acknowledged is lost
	tests/chaos/run.sh

autobahn: ## Run Autobahn|Testsuite against the sockets
	tests/autobahn/run.sh

fuzz: ## Feed the decoders whatever comes to mind
	tests/fuzz/run.sh

soak: ## Come and go for hours, and plot memory, descriptors and actors
	bench/soak.sh

growth: ## Measure what a million messages and ten thousand sockets change
	bench/growth.sh

dist: ## Build what is shipped, for Elastic Beanstalk and for systemd
	deploy/dist.sh
