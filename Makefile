# The front door. Every target brings what it needs: it finds a JDK, and installs missing Debian and PyPI packages.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build generate test conformance try bench bench-operator images demo demo-down bench-node dev cluster cluster-down release soak format clean

setup := source build/setup &&

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

build: ## target/agent, the self-contained folder: copy it anywhere, also onto a machine without Java
	@$(setup) jdk && packages gcc libc6-dev && rm -rf target/agent-jars && maven package -DskipTests && build/agent

test: build ## everything that is tested, also format and types; about twenty-five minutes
	@$(setup) jdk && kube && python src/test/python/requirements.txt && build/test

conformance: build ## play the agent against any shim: COMMAND="python3 app.py" [SLOW=/path] [FAILING=/path] [ONLY=scenario]
	@$(setup) jdk && maven test-compile && build/conformance --slow "$(SLOW)" --failing "$(FAILING)" --only "$(ONLY)" $(COMMAND)

try: build ## the main job on a real application: two reforks under load beside gunicorn alone, about a minute
	@$(setup) jdk && python examples/flask-shop/requirements.txt && bench_java Try

bench: build ## the figures, side by side with gunicorn alone, into bench/results; ONLY=examples, py07, unsharing: those of Python's servers
	@$(setup) jdk && packages wrk && for example in django-notes fastapi-books flask-shop; do \
	  python examples/$$example/requirements.txt || exit; done && bench_java Bench $(ONLY)

bench-operator: ## one operator with POOLS=1000 of PODS=10 each, into bench/results/operator.md; a quarter of an hour
	@$(setup) jdk && kube && maven package -DskipTests && bench_java OperatorBench $${POOLS:-1000} $${PODS:-10} && \
	  packages gcc libc6-dev && build/agent && bench_java Bench flood

images: build ## operator, agent and examples as OCI archives, into target/images; as root, without a daemon or a registry
	@$(setup) jdk && build/images operator agent shop

demo: ## the main job on a real node: a cluster, the operator, an application under load; as root, or CLUSTER=existing
	@build/demo up

demo-down: ## ends what demo has left
	@build/demo down

bench-node: ## memory of a pod beside gunicorn alone on a node of this machine, into bench/results/node.md; ten minutes
	@build/demo bench

dev: ## the operator in a cluster on this machine, with played nodes and agents; prints what to type; until Ctrl-C
	@$(setup) jdk && kube && maven package -DskipTests && test_program io.refork.cluster.Dev

cluster: ## a real Kubernetes with one node on this machine, as root; the first time builds it, six minutes
	@build/cluster/up demo >/dev/null && echo "export KUBECONFIG=/var/lib/refork-cluster/demo/kubeconfig PATH=$$PWD/.cache/kube:\$$PATH"

cluster-down: ## ends it and removes what it made
	@build/cluster/down demo

release: build ## target/release: chart, manifests, images, agent, checksums, bills of materials; ALLOW_DIRTY=1 with uncommitted changes
	@$(setup) jdk && kube && build/release

soak: ## random fault schedules against the state machine: SCHEDULES=100000, or one SEED
	@$(setup) jdk && maven test -Dtest=PoolSimulationTest -Dsurefire.timeout=0 -Djunit.jupiter.execution.timeout.mode=disabled \
	  -Drefork.schedules=$${SCHEDULES:-100000} -Drefork.firstSeed=$${FIRST_SEED:-$$RANDOM$$RANDOM} $${SEED:+-Drefork.seed=$$SEED}

generate: ## what is made from something else: crds/ and docs/workerpool.md, the dashboards, the chart's copies, deploy/refork.yaml
	@$(setup) jdk && maven test -Dtest=CrdTest -Drefork.generate=true && python3 build/dashboards && kube && build/manifests

format: ## Java and Python, the way the build wants them
	@$(setup) jdk && maven spotless:apply && python src/test/python/requirements.txt && build/lint --fix

clean: ## what the build made; downloads stay
	@rm -rf target .cache/runtime* .cache/operator-runtime* .cache/agent-cache
