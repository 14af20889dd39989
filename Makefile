.PHONY: build
build:
	swift build

# What a node commits a second against what its processor can verify: ARGUMENTS="--records 1000000", or --quick.
.PHONY: bench
bench:
	swift build -c release --product millwright-bench
	.build/release/millwright-bench $(ARGUMENTS)
