# Orderly: see `make help`. Everything that is missing is fetched: Go modules, and Debian packages for the boot tests.
ARCH        ?=
SEEDS       ?= 200000
FUZZTIME    ?= 30s
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2
DEADCODE     = golang.org/x/tools/cmd/deadcode@v0.52.0
# Many tests are about time, on machines that others use too. So what fails is tried once more by itself and told as such, unless more than
# three fail, or a data race was seen.
TEST         = go run gotest.tools/gotestsum@v1.13.0 --format standard-quiet --rerun-fails=1 --rerun-fails-max-failures=3 --rerun-fails-abort-on-data-race
GOFLAGS_BIN  = -trimpath -ldflags='-s -w -E=_orderly_start'
PLAIN        = $(shell go list ./... | grep -vE '/qemu|/runtime$$|/conformance$$')

.PHONY: help build boot test check conformance bench sim mutants fuzz clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## bin/orderly, or bin/orderly-ARCH with ARCH=arm|arm64|amd64
	CGO_ENABLED=0 GOARCH=$(ARCH) GOARM=7 go build $(GOFLAGS_BIN) -o bin/orderly$(if $(ARCH),-$(ARCH)) ./init

boot: ## boot the ARM image in QEMU and leave you at its shell
	go run ./qemu/cmd/boot

check: ## what must be green before a commit: format, vet, lint, dead code, race tests, simulation, builds
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'gofmt: the files above'; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	@dead=$$(go run $(DEADCODE) -test ./... | grep -v '^qemu/'); test -z "$$dead" || { echo "$$dead"; exit 1; }
	$(TEST) --packages='$(PLAIN)' -- -race -timeout 30m
	$(TEST) --packages=./runtime # its races would be in assembly, which the detector does not see, and with it it takes 40 s
	$(TEST) --packages=./conformance -- -timeout 30m # its oracles are about time: it runs by itself
	@for arch in arm arm64 amd64; do $(MAKE) --no-print-directory build ARCH=$$arch || exit 1; done

test: check ## all tests: check, the long scenarios, some fuzzing, and the boot tests in QEMU
	$(TEST) --packages=./netns -- -count=1 -run NothingIsLeft -args -cycles=1000
	$(TEST) --packages=./conformance -- -count=1 -timeout 30m -args -long -rest
	$(MAKE) --no-print-directory fuzz FUZZTIME=500x # not a time: when that is over in the middle of a try, it counts as a failure
	ORDERLY_QEMU_TESTS=1 $(TEST) --packages='./qemu/... ./bench' -- -count=1 -timeout 40m

conformance: ## every scenario of docs/reliability.md that needs no machine of its own
	go test -count=1 -timeout 30m ./conformance -long

bench: ## the measurements, side by side with a floor in C
	go run ./bench

sim: ## the simulated world, SEEDS=N boots
	go test ./supervisor/sim -run TestSeeds -count=1 -timeout 0 -seeds=$(SEEDS)

mutants: ## faults made by hand in the core, and who notices
	go run ./supervisor/mutants

fuzz: ## every fuzz target for FUZZTIME each
	@go list -f '{{.Dir}}' ./... | while read dir; do \
	  for f in $$(grep -hos '^func Fuzz[A-Za-z]*' $$dir/*_test.go | cut -c6-); do \
	    (cd $$dir && go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) .) || exit 1; done; done

clean: ## remove what was built
	rm -rf bin build
