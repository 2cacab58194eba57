# `tarn serve`: starts, says where it listens and when it is ready, and ends cleanly.
serve() { # serve NAME ARGUMENT...: in the background, up to "ready"; its process is $served
	name=$1
	shift
	"$tarn" serve --roles broker "$@" 2>"$name.log" >"$name.out" </dev/null &
	served=$!
	while ! grep -q ' ready$' "$name.log"; do
		kill -0 "$served" 2>/dev/null || { cat "$name.log"; fail "$name ended"; }
		sleep 0.05
	done
}

end() { # end PROCESS SIGNAL
	kill "-$2" "$1"
	code=0
	wait "$1" || code=$?
	[ "$code" = 0 ] || fail "exit $code after SIG$2"
}

serve first --data data --broker-listen 127.0.0.1:0
says first.log "broker   listening at 127.0.0.1:0, port "
first=$served
# A folder has one user at a time; a port too.
expect 1 "$tarn" serve --roles broker --data data --broker-listen 127.0.0.1:0
says err data
port=$(sed -n 's/.*, port \([0-9]*\);.*/\1/p' first.log)
expect 1 "$tarn" serve --roles broker --data other --broker-listen "127.0.0.1:$port"
says err "cannot listen"
end "$first" TERM
says first.log "stopped"
serve again --data data --broker-listen "127.0.0.1:$port" --broker-advertise example.org:1234
says again.log "clients are told example.org:1234"
end "$served" INT

# Beyond this machine only with authentication, or on purpose.
expect 1 "$tarn" serve --roles broker --data data --broker-listen 0.0.0.0:0
says err "nobody has to authenticate"
says err "--insecure"
serve open --data data --broker-listen 0.0.0.0:0 --insecure
end "$served" TERM
echo "alice:secret" >users
serve guarded --data data --broker-listen 0.0.0.0:0 --users users
end "$served" TERM

expect 1 "$tarn" serve --roles broker --data data --users nowhere
says err nowhere
echo "no colon" >users
expect 1 "$tarn" serve --roles broker --data data --users users
says err "users:1"
expect 1 "$tarn" serve --roles broker,nonsense --data data
says err '"nonsense"'
expect 2 "$tarn" serve --roles broker
says err --data
expect 2 "$tarn" serve --data data --tls-key key.pem
says err "--tls-certificate"
