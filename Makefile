# The two commands: `make demo` and `make test`. Neither needs root or Docker.
.PHONY: help demo demo-check demo-again demo-down setup test unit integration lint docs

help:
	@echo 'make demo        a real, neglected stack on this machine, and the weekly maintenance over it'
	@echo 'make demo-check  the maintenance with --check on that stack (started if need be): changes nothing'
	@echo 'make demo-again  the maintenance once more over the running stack'
	@echo 'make demo-down   stops the stack and removes it'
	@echo 'make test        every test and lint, with a table of what ran (parts: unit, integration, lint)'
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

test unit integration lint: setup
	@.venv/bin/python -m tests.run $@

docs: setup
	@.venv/bin/python -m docs.generate
