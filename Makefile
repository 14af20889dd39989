# Everything that a person or a machine does with this project, one word each.

.DEFAULT_GOAL := help
.PHONY: help install build release test demo consortium bench simulate chaos fuzz format lint clean

SECONDS ?= 60
# Tests that start servers and nodes as processes: tools/run-tests.sh runs them one after another.
PROCESSES := APITests|OrderingTests|NetworkTests|ConsortiumRing|Onboarding|Operation|ServedJourney|HistoryJourney
# On Linux a release carries Swift's own libraries: one file, which runs where no Swift is. (lld, because GNU's
# linkers warn of functions in those libraries that nothing here calls.)
RELEASE := swift build -c release $(if $(filter Linux,$(shell uname -s)),--static-swift-stdlib -Xswiftc -use-ld=lld)
SOURCES := Sources Tests Benchmarks Package.swift

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: ## Install what is missing to build and test (the other targets do it themselves)
	@tools/install-dependencies.sh

build: install ## Build everything for debugging
	swift build --build-tests

release: install ## Build .build/release/millwright for use: one file that needs no Swift
	$(RELEASE) --product millwright

test: build ## Build and run every test, with the release build for the replay test
	MILLWRIGHT_REQUIRE_RELEASE=1 MILLWRIGHT_REQUIRE_NATS=1 tools/run-tests.sh '$(PROCESSES)' \
		$(RELEASE) --product millwright

demo: install ## Run the demonstration in ./demo, which is emptied first; TELEMETRY=FILE takes a machine's own data
	$(RELEASE) --product millwright
	@echo "removing ./demo: the demonstration begins with an empty directory"
	rm -rf demo
	.build/release/millwright demo --home demo $(if $(TELEMETRY),--telemetry "$(TELEMETRY)")

consortium: install ## The demonstration across six companies' nodes, in ./consortium; ENGINE=nats or embedded, TELEMETRY=FILE
	$(RELEASE) --product millwright
	@echo "removing ./consortium: the demonstration begins with an empty directory"
	rm -rf consortium
	.build/release/millwright consortium --home consortium --engine $(or $(ENGINE),nats) \
		$(if $(TELEMETRY),--telemetry "$(TELEMETRY)") $(if $(KEEP),--keep)

bench: install ## Measure the commit path and its parts in a release build; ARGS="…" goes to the benchmark
	$(RELEASE) --product millwright-bench
	.build/release/millwright-bench $(ARGS)

simulate: install ## Run SEEDS=5000 simulated consortia of EVENTS=1000 from seed FIRST=0, or one SEED=417 VERBOSE=1
	$(RELEASE) --product millwright-simulate
	@SEEDS=$(SEEDS) EVENTS=$(EVENTS) FIRST=$(FIRST) SEED=$(SEED) VERBOSE=$(VERBOSE) \
		COMMIT=$$(git rev-parse --short HEAD) .build/release/millwright-simulate

fuzz: install ## Feed broken input to every parser and verifier for SECONDS=60 each
	swift build --build-tests
	MILLWRIGHT_FUZZ_SECONDS=$(SECONDS) swift test --filter FuzzTests

chaos: install ## Kill, pause, part and wipe six nodes and three NATS servers under load; SEED=1 SECONDS=60
	swift build --product millwright
	swift build --product millwright-chaos
	.build/debug/millwright-chaos --seconds $(SECONDS) --seed $(or $(SEED),1)

format: ## Rewrite the sources in the project's format
	swift format --in-place --recursive $(SOURCES)

lint: ## Say what is wrong with the sources' format and shape
	swift format lint --recursive --strict $(SOURCES)
	swift test --filter HouseTests

clean: ## Remove what was built, measured and demonstrated
	rm -rf .build demo consortium bench-data
