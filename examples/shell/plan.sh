#!/bin/sh
# Makes an action plan that takes a node off softly and then waits, starts it, watches it, cancels it while it runs, and
# prints the outcome of each action.
#
#   sh examples/shell/plan.sh 127.0.0.1:7077 r7n1
#
# It needs grpcurl or, where that cannot be had, buf (`npm ci` brings it). Both learn the contract from the conductor
# itself, by reflection.
set -eu

[ $# = 2 ] || { echo 'usage: plan.sh HOST:PORT NODE' >&2; exit 2; }
address=$1
node=$2
PATH=$PATH:$(dirname "$0")/../../node_modules/.bin

# call METHOD JSON: prints each answer as JSON
if command -v grpcurl >/dev/null; then
  call() { grpcurl -plaintext -d "$2" "$address" "countermand.v1.ActionPlanService/$1" </dev/null; }
else
  call() {
    buf curl --protocol grpc --http2-prior-knowledge --data "$2" \
      "http://$address/countermand.v1.ActionPlanService/$1" </dev/null
  }
fi

# Nothing is started yet. The whole plan is checked: here an unknown node, or a cycle, would be refused.
made=$(call CreateActionPlan "{
  \"name\": \"$node down\",
  \"actions\": [
    {\"name\": \"down\", \"action_type\": \"change_node_power_state\",
     \"input_parameters\": {\"resource_id\": \"$node\", \"state\": \"soft power off\", \"timeout\": 300}},
    {\"name\": \"settle\", \"action_type\": \"sleep\", \"input_parameters\": {\"duration\": 60}, \"parents\": [\"down\"]}
  ]
}") || exit 1
plan=$(echo "$made" | sed -n 's/^ *"uuid": *"\(.*\)".*/\1/p' | head -n 1)
echo "plan $plan"

call StartActionPlan "{\"action_plan\": \"$plan\"}" >/dev/null

# The first answer comes when the cancel is durable; the stream ends when the plan is at rest.
cancel() {
  call CancelActionPlan "{\"action_plan\": \"$plan\", \"reason\": \"only an example\"}" |
    sed -n 's/.*"ACTION_PLAN_STATE_\([A-Z]*\)".*/cancel: \1/p' | uniq
}

# The stream sends the plan with all its actions as they are now, then each change, until the plan is at rest.
call WatchActionPlan "{\"action_plan\": \"$plan\"}" | {
  state=unknown
  cancelled=no
  while read -r line; do
    case $line in
      '"errorMessage": '*) echo "action $name: error: ${line#*: }" ;;
      '"name": '*) name=${line#*: \"} name=${name%%\"*} ;;
      *'"ACTION_STATE_'*)
        state=${line#*ACTION_STATE_} state=${state%%\"*}
        echo "action $name: $state"
        # Something runs. The plan can be cancelled at any time; here, at once.
        if [ "$state" = ONGOING ] && [ $cancelled = no ]; then
          cancelled=yes
          cancel
        fi
        ;;
    esac
  done
  [ "$state" != unknown ]
}
