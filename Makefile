# What a newcomer needs: `make run` and `make test`.
.PHONY: run test tools postgresql check bench

run: postgresql
	cargo run --release

test: postgresql tools
	cargo test --no-fail-fast -- --test-threads=4

# Checkers of other ecosystems; tests that lack theirs are reported as ignored.
tools:
	sh tests/tools.sh

# PostgreSQL's server programs, unless they are there.
postgresql:
	sh tests/postgresql.sh

check:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo deny check

bench:
	cargo bench --bench pages
	cargo bench --bench imports
	cargo bench --bench totals
