# `tarn serve`: starts, says where it listens and when it is ready, and ends cleanly.
. "$here/server.sh"

serve first --roles broker --data data --broker-listen 127.0.0.1:0
says first.log "broker   listening at 127.0.0.1:0, port "
first=$served
# A folder has one user at a time; a port too.
expect 1 "$tarn" serve --roles broker --data data --broker-listen 127.0.0.1:0
says err data
port=$(port_of first broker)
expect 1 "$tarn" serve --roles broker --data other --broker-listen "127.0.0.1:$port"
says err "cannot listen"
end "$first" TERM
says first.log "stopped"
serve again --roles broker --data data --broker-listen "127.0.0.1:$port" --broker-advertise example.org:1234
says again.log "clients are told example.org:1234"
end "$served" INT

# Beyond this machine only with authentication, or on purpose.
expect 1 "$tarn" serve --roles broker --data data --broker-listen 0.0.0.0:0
says err "nobody has to authenticate"
says err "--insecure"
serve open --roles broker --data data --broker-listen 0.0.0.0:0 --insecure
end "$served" TERM
echo "alice:secret" >users
serve guarded --roles broker --data data --broker-listen 0.0.0.0:0 --users users
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
