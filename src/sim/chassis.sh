#!/bin/sh
# The server behind one pretended BMC. ipmi_sim runs this for each command to the chassis, in the folder of its state:
#
#   power             1 or 0
#   soft_off_delay_s  how long the operating system takes to stop, or `never`
#   refuses           exists while orders are refused
#   holds             exists while orders are held, unanswered; then they are carried out
#   received          each command that came in, in order
#   changes           how often the power has changed: a soft power off from before a change is void
#
# ipmi_sim waits for this script and for whatever holds its output, so what takes time runs behind, without output.
# Our input stays open as long as the process that started the simulator: nothing waits longer than that.
exec 3<&0

# passes SECONDS: true when they have passed, false as soon as nobody needs us any more
passes() {
  timeout --foreground "$1" cat <&3 >/dev/null 2>&1
  [ $? = 124 ]
}

become() {
  [ "$(cat power)" = "$1" ] && return
  echo $(($(cat changes) + 1)) >changes
  echo "$1" >power.new && mv power.new power
}

# takes COMMAND: notes an order, then holds or refuses it as it was told to
takes() {
  echo "$1" >>received
  while [ -e holds ]; do passes 0.2 || exit 1; done
  [ ! -e refuses ] || exit 1
}

must_be_on() {
  [ "$(cat power)" = 1 ] || exit 1
}

stop_softly() {
  delay=$(cat soft_off_delay_s)
  [ "$delay" != never ] || return
  changes=$(cat changes)
  [ "$delay" = 0 ] || passes "$delay" || return
  [ "$(cat changes)" != "$changes" ] || become 0
}

case "$1 $2 $3" in
  'get power '*) echo status >>received; echo "power:$(cat power)" ;;
  'set power 1') takes on; become 1 ;;
  'set power 0') takes off; become 0 ;;
  'set reset '*) takes reset; must_be_on; echo $(($(cat changes) + 1)) >changes ;;
  'set shutdown '*) takes soft; must_be_on; stop_softly >/dev/null 2>&1 & ;;
esac
exit 0
