
# Tells the agent whom to listen to, and starts it.
service murano-agent stop 2>/dev/null

install -d -m 755 /etc/murano /etc/murano/certs
(
    umask 077
    echo '%AGENT_CONFIG_BASE64%' | base64 -d >/etc/murano/agent.conf
    echo '%CA_ROOT_CERT_BASE64%' | base64 -d >/etc/murano/certs/ca_certs
)

service murano-agent start
