.PHONY: help run test lint fmt migrate bench

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

bench: ## Measure the fan-out of 20 rooms of 20
	bench/run.sh
