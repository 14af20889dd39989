# Everything that a person or a machine does with this project, one word each.

.DEFAULT_GOAL := help
.PHONY: help install build test demo bench fuzz chaos format lint clean

SECONDS ?= 60
SEED ?= 1
SOURCES := Sources Tests Benchmarks Package.swift

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

install: ## Install what is missing to build and test (the other targets do it themselves)
	@tools/install-dependencies.sh

build: install ## Build everything for debugging
	swift build --build-tests

test: build ## Build and run every test, with the release build for the replay test
	swift build -c release --product millwright
	MILLWRIGHT_REQUIRE_RELEASE=1 MILLWRIGHT_REQUIRE_NATS=1 swift test

demo: install ## Run the demonstration in ./demo, which is emptied first; TELEMETRY=FILE takes a machine's own data
	swift build -c release --product millwright
	@echo "removing ./demo: the demonstration begins with an empty directory"
	rm -rf demo
	.build/release/millwright demo --home demo $(if $(TELEMETRY),--telemetry "$(TELEMETRY)")

bench: install ## Measure the commit path and its parts in a release build; ARGS="…" goes to the benchmark
	swift build -c release --product millwright-bench
	.build/release/millwright-bench $(ARGS)

fuzz: install ## Feed broken input to every parser and verifier for SECONDS=60 each
	swift build --build-tests
	MILLWRIGHT_FUZZ_SECONDS=$(SECONDS) swift test --filter FuzzTests

chaos: install ## Kill, pause, part and wipe six nodes and three NATS servers under load; SEED=1 SECONDS=60
	swift build --product millwright
	swift build --product millwright-chaos
	.build/debug/millwright-chaos --seconds $(SECONDS) --seed $(SEED)

format: ## Rewrite the sources in the project's format
	swift format --in-place --recursive $(SOURCES)

lint: ## Say what is wrong with the sources' format and shape
	swift format lint --recursive --strict $(SOURCES)
	swift test --filter HouseTests

clean: ## Remove what was built, measured and demonstrated
	rm -rf .build demo bench-data
