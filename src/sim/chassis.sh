#!/bin/sh
# The server behind one pretended BMC. For each command ipmi_sim starts a shell (popen) in the folder of its state; that
# shell reads this file and calls `chassis`. A fleet is polled all the time, so nothing here starts a process: there are
# builtins only, no pipe, and no $(...).
#
# Each file has one writer, and each write is atomic, so no change can undo another one:
#
#   power     POWER OFF_AT PRESSES, by us. OFF_AT is the uptime at which a soft power off takes effect, or 0. PRESSES is
#             the number of the last press of the power button that is part of this state.
#   button    PRESSES POWER, by chassis.ts: a press that `power` does not include makes the power what it says, and
#             voids a soft power off.
#   faults    SOFT_OFF REFUSES HOLDS, by chassis.ts: how long the operating system takes to stop, or `never`; whether
#             orders are refused; whether they are held, unanswered, before they are carried out.
#   received  each command, in order, by us.
#   uptime    the clock: a link to /proc/uptime. Tests put a file of their own there.
#
# Times in files are in hundredths of a second. A soft power off is not a process that waits: whoever looks at the state after
# OFF_AT finds the power off. So whatever changes the power before that voids it, in the same write.

chassis() {
  case "$1 $2 $3" in
    'get power '*) echo status >>received; look; echo "power:$power" ;;
    'set power 1') take on; [ "$power" = 1 ] || become 1 0 ;;
    'set power 0') take off; become 0 0 ;;
    'set reset '*) take reset; must_be_on; become 1 0 ;;
    'set shutdown '*) take soft; must_be_on; stop_softly ;;
  esac
}

# take ORDER: notes it, then holds or refuses it as `faults` says. A held order looks again at each line of its input,
# which is that of ipmi_sim; its end means that the process that started ipmi_sim is dead.
take() {
  echo "$1" >>received
  while read -r soft_off refuses holds <faults; [ "$holds" = 1 ]; do
    read -r _ || exit 1
  done
  [ "$refuses" = 0 ] || exit 1
  look
}

# Sets `power`, `off_at` and `presses` to what is true now.
look() {
  read -r power off_at seen <power
  read -r presses pressed <button
  [ "$presses" = "$seen" ] || { power=$pressed off_at=0; }
  [ "$off_at" != 0 ] || return 0
  look_at_clock
  [ "$now" -lt "$off_at" ] || { power=0 off_at=0; }
}

# Sets `now` to the uptime.
look_at_clock() {
  read -r now _ <uptime
  now=$((${now%.*} * 100 + 1${now#*.} - 100))
}

# become POWER OFF_AT: one write in place and of one length, so that chassis.ts never reads half a state.
become() {
  printf '%s %-12s %-12s\n' "$1" "$2" "$presses" 1<>power
}

must_be_on() {
  [ "$power" = 1 ] || exit 1
}

stop_softly() {
  [ "$soft_off" != never ] || return 0
  look_at_clock
  due=$((now + soft_off))
  # A second press does not make it slower.
  [ "$off_at" != 0 ] && [ "$off_at" -le "$due" ] || become 1 "$due"
}
