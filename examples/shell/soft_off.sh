#!/bin/sh
# Lists the nodes, orders a soft power off, watches it, aborts it, and prints the outcome of the abort.
#
#   sh examples/shell/soft_off.sh 127.0.0.1:7077 r7n1
#
# It needs grpcurl or, where that cannot be had, buf (`npm ci` brings it). Both learn the contract from the conductor
# itself, by reflection.
set -eu

[ $# = 2 ] || { echo 'usage: soft_off.sh HOST:PORT NODE' >&2; exit 2; }
address=$1
node=$2
PATH=$PATH:$(dirname "$0")/../../node_modules/.bin

# call SERVICE/METHOD JSON: prints each answer as JSON
if command -v grpcurl >/dev/null; then
  call() { grpcurl -plaintext -d "$2" "$address" "countermand.v1.$1" </dev/null; }
else
  call() { buf curl --protocol grpc --http2-prior-knowledge --data "$2" "http://$address/countermand.v1.$1" </dev/null; }
fi

# order TARGET: gives an order and prints its power task as it is now and after each change, until it is at rest
order() { call PowerService/SetPowerState "{\"node\": \"$node\", \"target\": \"POWER_TARGET_$1\"}"; }

nodes=$(call NodeService/ListNodes '{}')
echo 'nodes:'
echo "$nodes" | sed -n 's/^ *"name": *"\(.*\)".*/  \1/p'

order SOFT_POWER_OFF | {
  state=unknown
  aborted=no
  while read -r line; do
    case $line in
      *'"POWER_TASK_STATE_'*) ;;
      '"errorMessage": '*) echo "error: ${line#*: }" && continue ;;
      *) continue ;;
    esac
    state=${line#*POWER_TASK_STATE_}
    state=${state%%\"*}
    echo "soft power off: $state"
    # The BMC has the order. It can be aborted at any time; here, at once. An abort is an order too: it is at rest when
    # what it aborts is, and then knows the outcome.
    if [ "$state" = CONFIRMING ] && [ $aborted = no ]; then
      aborted=yes
      order ABORT_SOFT_POWER_OFF | sed -n 's/.*"ABORT_OUTCOME_\([A-Z_]*\)".*/abort: \1/p'
    fi
  done
  [ "$state" != unknown ]
}
