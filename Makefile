# huck's make targets; `make` alone prints them. CONTRIBUTING.md says when to use which.
# Every target but clean first makes sure that the pinned Node.js, the npm packages and the Debian packages
# it needs are there; when they are, that takes less than a second.

NODE_MODULES := $(CURDIR)/.node/node_modules
# sfdisk, mkfs and the like lie in sbin, which a plain user of Debian does not search.
export PATH := $(NODE_MODULES)/.bin:$(CURDIR)/node_modules/.bin:$(PATH):/usr/sbin:/sbin

BOOTSTRAP := scripts/bootstrap

.DEFAULT_GOAL := help
.PHONY: help demo check unit test mutants campaigns e2e bench initramfs clean

help: ## print this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## throw one disk at four receivers on this computer: no root, no virtual machine
	@$(BOOTSTRAP) demo
	node scripts/demo.ts

check: ## tsc, eslint, import rules, knip, format, tidy, wasm kernels rebuilt and compared
	@$(BOOTSTRAP) build
	node scripts/test.ts check

unit: ## unit tests
	@$(BOOTSTRAP) build demo test
	node scripts/test.ts unit

test: ## everything a change must pass: check, unit, walk, cli, simulator, interop, one-VM smoke test
	@$(BOOTSTRAP) build demo initramfs test e2e
	node scripts/test.ts check unit walk cli sim interop smoke

mutants: ## plant every fault of test/mutants; the test it names must turn red (some minutes)
	@$(BOOTSTRAP) build demo test
	node scripts/mutants.ts

campaigns: ## hundreds of disks, tables and file systems, with counts (an hour)
	@$(BOOTSTRAP) build demo test
	for campaign in test/campaigns/*.ts; do node "$$campaign" || exit 1; done

e2e: ## virtual machines: PXE boot, load, reboot, save (BIOS and UEFI)
	@$(BOOTSTRAP) build demo initramfs test e2e
	node scripts/test.ts e2e

bench: ## huck beside its peers, as ratios; needs root (BENCH="--rows one --reps 1": other options)
	@$(BOOTSTRAP) build demo test bench
	node test/bench/main.ts $(BENCH)

initramfs: ## build vmlinuz and initramfs for the nodes (UPDATE=1 resolves the inputs anew)
	@$(BOOTSTRAP) initramfs
	node initramfs/build.ts

clean: ## remove build/: the disks of the demo (some GB), the boot files and what was fetched for them
	rm -rf build
