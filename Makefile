# The two commands: `make demo` and `make test`. Neither needs root or Docker.
.PHONY: help demo demo-check demo-again demo-down setup test unit guards lint gates integration timescale coverage
.PHONY: playbooks browser lab docs bench mutation

help:
	@echo 'make demo        a real, neglected stack on this machine, and the weekly maintenance over it'
	@echo 'make demo-check  the maintenance with --check on that stack (started if need be): changes nothing'
	@echo 'make demo-again  the maintenance once more over the running stack'
	@echo 'make demo-down   stops the stack and removes it'
	@echo 'make test        every test and gate, with a table of what ran'
	@echo '  its parts:     make unit | guards | lint | gates | integration | timescale | playbooks | browser | lab'
	@echo 'make coverage    the unit and integration tests, and which lines of plugins/ they miss'
	@echo 'make lab SCENARIO=default [DISTRIBUTION=debian13] [STEPS=create,converge]'
	@echo '                 one scenario of the container lab; needs a Docker engine'
	@echo 'make bench       measures our modules against the field'"'"'s tools and writes docs/performance.md (ONLY=pg_health)'
	@echo 'make mutation    tries small faults against the unit tests, writes docs/mutation.md (SAMPLE=600|all SEED=1 ONLY=vacuum)'
	@echo 'make docs        writes the documents that are generated from the code'

demo:
	@tools/setup demo
	@.venv/bin/python -m demo run $(ARGS)

demo-check:
	@tools/setup demo
	@.venv/bin/python -m demo check $(ARGS)

demo-again:
	@tools/setup demo
	@.venv/bin/python -m demo again $(ARGS)

demo-down:
	@tools/setup demo
	@.venv/bin/python -m demo down

setup:
	@tools/setup test

test unit guards lint gates integration timescale coverage playbooks browser: setup
	@.venv/bin/python -m tests.run $@

# Without SCENARIO the lab as `make test` runs it; with one, that scenario alone.
lab: setup
ifdef SCENARIO
	@.venv/bin/python -m tests.lab $(SCENARIO) $(if $(DISTRIBUTION),--distribution $(DISTRIBUTION)) $(if $(STEPS),--steps $(STEPS))
else
	@LAB=require .venv/bin/python -m tests.run lab
endif

docs: setup
	@.venv/bin/python -m docs.generate

bench:
	@tools/setup bench
	@.venv/bin/python -m benchmarks

mutation:
	@tools/setup mutation
	@SAMPLE=$(SAMPLE) SEED=$(SEED) ONLY=$(ONLY) .venv/bin/python -m tests.mutation
