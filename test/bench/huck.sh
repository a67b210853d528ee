# huck as a system of the harness that README.md beside this file describes; the harness sources this.
#   HUCK       the command line to run; default: this tree's dispatcher under its pinned Node.js
#   HUCK_RATE  "given": 98 % of the link is given to the sender; "": huck finds the rate itself
HUCK_ROOT=${HUCK_ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
HUCK=${HUCK:-$HUCK_ROOT/.node/node_modules/node/bin/node $HUCK_ROOT/huck.ts}
HUCK_RATE=${HUCK_RATE-given}
SYS_ORDER=receivers-first
SYS_SETTLE=1
sys_check() { command -v "${HUCK%% *}" >/dev/null; }
_huck_place() { echo "--interface $IFACE --group $GROUP --port $PORT"; }
sys_receiver() { echo "exec $HUCK catch '$2' $(_huck_place) --wait 60"; }
sys_sender() {
  local rate=
  [ "$HUCK_RATE" = given ] && [ "$RATE" != 0 ] && rate="--rate $((RATE * 98 / 100))M"
  echo "exec $HUCK cast '$PAYLOAD' $(_huck_place) --min-receivers $N $rate"
}
