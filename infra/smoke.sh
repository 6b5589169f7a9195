#!/bin/sh
# Does a deployed stack do its work? For the first person who has an account:
#
#   FLOTILLA_API_URL=https://….execute-api.eu-west-1.amazonaws.com  the output ApiUrl of the stack
#   FLOTILLA_KERNEL_BUNDLE=~/.ops/0.1.54                            a kernel bundle, as Ops keeps them
#   FLOTILLA_LOAD_BALANCER=http://my-lb-123.eu-west-1.elb.amazonaws.com
#   sh infra/smoke.sh
#
# It makes a fleet called `smoke` on the host name smoke.test, deploys examples/hello twice, asks the load balancer
# for each version, rolls back, and removes the fleet. It takes about a quarter of an hour, and costs some cents.
set -eu
: "${FLOTILLA_API_URL:?the output ApiUrl of the stack}"
: "${FLOTILLA_KERNEL_BUNDLE:?a folder with a kernel bundle}"
: "${FLOTILLA_LOAD_BALANCER:?the URL of the load balancer}"
cd "$(dirname "$0")/.."
for tool in node npm go curl; do
  command -v "$tool" >/dev/null || { echo "infra/smoke.sh needs $tool, which is not installed." >&2; exit 1; }
done
work=$(mktemp -d)
fleet_stands=no
trap 'ended $?' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Whoever ran this hears what is left, since it costs something.
ended() {
  rm -rf "$work"
  if [ "$fleet_stands" = yes ]; then
    echo 'The fleet smoke may still stand, with its instances and its rule. Remove it, once its rollout has ended:' >&2
    echo "  FLOTILLA_API_URL=$FLOTILLA_API_URL node $PWD/bin/flotilla.mjs fleet delete smoke --force --confirm smoke" >&2
  fi
  exit "$1"
}

flotilla() { node bin/flotilla.mjs "$@"; }

build() {
  GOFLAGS='' CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -C examples/hello -ldflags "-X main.version=$1" -o "$work/hello-$1" .
}

# Asks ten times, as a weight takes a moment to reach every node of the load balancer.
expect() {
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    answer=$(curl -sS -m 10 -H 'Host: smoke.test' "$FLOTILLA_LOAD_BALANCER/" || true)
    case $answer in *"$1"*) echo "ok: $answer"; return ;; esac
    echo "attempt $attempt: wanted $1, got: $answer"
    sleep 5
  done
  echo 'FAILED' >&2
  exit 1
}

cat >"$work/smoke.yml" <<'SPEC'
fleet: smoke
rule:
  hosts: [smoke.test]
port: 8080
healthCheck:
  path: /healthz
  intervalSeconds: 5
  healthyThreshold: 2
instances:
  types: [t3.nano, t3a.nano]
  minimum: 1
  desired: 1
  maximum: 2
rollout:
  steps:
    - { weight: 50, bakeSeconds: 30 }
    - { weight: 100, bakeSeconds: 30 }
  keepWarmSeconds: 600
SPEC

echo '== the kernel bundle, and the fleet'
flotilla kernel add "$FLOTILLA_KERNEL_BUNDLE"
fleet_stands=yes
flotilla fleet apply "$work/smoke.yml"
echo '== the first release'
build smoke-1
flotilla deploy "$work/hello-smoke-1" --fleet smoke
expect smoke-1
echo '== the second release'
build smoke-2
flotilla deploy "$work/hello-smoke-2" --fleet smoke
expect smoke-2
echo '== back again'
flotilla rollback --fleet smoke
expect smoke-1
flotilla releases --fleet smoke
echo '== the fleet goes'
flotilla fleet delete smoke --force --confirm smoke
fleet_stands=no
echo 'The stack does its work.'
