# One command for each thing one does with this project. `make` alone lists them.

CARGO ?= cargo

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.PHONY: build
build: ## Build everything, optimised
	$(CARGO) build --release --workspace

.PHONY: tools
tools: ## Install what the tests need, where that may be done; else say what is missing
	scripts/tools

# Static binaries, so that images for the swarm are of what is compiled already. No backtraces: what a
# test says when it fails is a sentence, which the calls that led there would bury. What was compiled is
# on the disk before anything is measured.
.PHONY: test
test: export RUST_BACKTRACE = 0
test: tools ## Install what is needed, then run every check and every test
	. scripts/static && $(CARGO) nextest run --workspace --profile ci --no-run
	sync
	. scripts/static && $(CARGO) nextest run --workspace --profile ci
	. scripts/static && $(CARGO) test --workspace --doc --quiet
	$(MAKE) --jobs=2 --output-sync=target lint-aside test-lab

# Tests on a swarm mostly wait: linters have what they leave of the processors, in a directory of
# their own, so that neither waits for the other's lock.
.PHONY: lint-aside
lint-aside:
	CARGO_TARGET_DIR=$(TARGET)/lint chrt --idle 0 $(MAKE) lint

.PHONY: test-lab
test-lab: ## The tests on a swarm of several nodes, in a lab of their own; as root
	scripts/test-lab

.PHONY: test-mesh
test-mesh: ## The routing mesh and virtual IPs, on guests whose kernel has IPVS; as root, 8 to 14 minutes
	mesh/test

.PHONY: lint
lint: ## Formatting, lints, documentation, licences and advisories of dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet
	scripts/deny
	scripts/stack-check

.PHONY: check
check: ## Only the tests, as fast as can be
	$(CARGO) nextest run --workspace

.PHONY: bench
bench: build ## Make every figure of docs/benchmarks.md (about 35 minutes, on a quiet machine)
	target/release/figures

# Where cargo builds; the programs that peers are compared with stand beside what it builds.
TARGET = $(or $(CARGO_TARGET_DIR),target)

.PHONY: bench-peers
bench-peers: peers ## Hold bench load and bench ping against wrk, oha, hey and httping (about 10 minutes)
	$(CARGO) build --release --package bench --package figures
	$(TARGET)/release/figures --peers

.PHONY: fuzz
fuzz: ## Fuzz the decoder of HTTP answers for five minutes; needs cargo-fuzz and a nightly compiler
	mkdir -p fuzz/corpus/answer
	$(CARGO) +nightly fuzz run answer fuzz/corpus/answer fuzz/seeds/answer -- -max_total_time=300

.PHONY: peers
peers: $(addprefix $(TARGET)/peers/,server client meter) ## Install what bench-peers needs
	scripts/peers

$(TARGET)/peers/%: peers/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -Wall -Wextra -o $@ $<

.PHONY: images
images: ## Container images of the services and bench, called $$REGISTRY/NAME:$$TAG
	scripts/images build

.PHONY: redis-image
redis-image: ## An image of this machine's Redis, for places without a registry
	scripts/images redis

.PHONY: push
push: ## Push all of these images
	scripts/images push
