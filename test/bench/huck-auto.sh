# huck without a rate given: it finds the link's by itself.
HUCK_RATE=
. "$(dirname "${BASH_SOURCE[0]}")/huck.sh"
