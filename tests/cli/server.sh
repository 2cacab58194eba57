# For tests that need `tarn serve`.
serve() { # serve NAME ARGUMENT...: in the background, up to "ready"; its process is $served, its log NAME.log
	name=$1
	shift
	"$tarn" serve "$@" 2>"$name.log" >"$name.out" </dev/null &
	served=$!
	while ! grep -q ' ready$' "$name.log"; do
		kill -0 "$served" 2>/dev/null || { cat "$name.log"; fail "$name ended"; }
		sleep 0.05
	done
}

port_of() { # port_of NAME ROLE: where the role listens
	sed -n "s/.* $2 *listening at .*, port \([0-9]*\);.*/\1/p" "$1.log"
}

end() { # end PROCESS SIGNAL
	kill "-$2" "$1"
	code=0
	wait "$1" || code=$?
	[ "$code" = 0 ] || fail "exit $code after SIG$2"
}
