#!/bin/sh
# Configures the agent of this machine, sees to it that it is installed, and starts it as a service.
#
# A configuration with a section [transport] is for knarr-agent, which alone knows transports besides
# RabbitMQ. Without that section it is for muranoagent, upstream's agent.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
config=/etc/murano/agent.conf

install -d -m 755 /etc/murano /etc/murano/certs
rm -f "$config" /etc/murano/certs/ca_certs
(
    umask 077
    echo '%AGENT_CONFIG_BASE64%' | base64 -d >"$config"
    echo '%CA_ROOT_CERT_BASE64%' | base64 -d >/etc/murano/certs/ca_certs
)

is_there() {
    command -v "$1" >/dev/null 2>&1
}

# Fetch knarr-agent, one file, from where it will ask for plans.
fetch() {
    python3 - "$config" "$1" <<'END'
import configparser, os, ssl, sys, time, urllib.error, urllib.parse, urllib.request

file, target = sys.argv[1:]
config = configparser.ConfigParser(interpolation=None, strict=False, default_section="\0")
config.read(file)
way = config["transport"]
if way.get("type") != "http":
    sys.exit("the agent can be fetched over http only")
queue = urllib.parse.quote(config["rabbitmq"]["input_queue"], safe="")
request = urllib.request.Request(
    way["url"].rstrip("/") + "/agents/" + queue + "/program",
    headers={"Authorization": "Bearer " + way.get("token", "")},
)
tls = ssl.create_default_context(cafile=way["ca_file"]) if way.get("ca_file") else None
for pause in (1, 5, 20, 60, None):
    try:
        with urllib.request.urlopen(request, timeout=60, context=tls) as answer:
            data = answer.read()
        break
    except OSError as error:
        refused = isinstance(error, urllib.error.HTTPError) and error.code < 500
        if refused or pause is None:
            sys.exit("the agent cannot be fetched from " + way["url"] + ": " + str(error))
        time.sleep(pause)
with open(target + ".new", "wb") as stream:
    stream.write(data)
os.chmod(target + ".new", 0o755)
os.replace(target + ".new", target)
END
}

# From where the engine's option agent_source says.
pip_install() {
    pip3 install '%PIP_SOURCE%' || pip3 install --break-system-packages '%PIP_SOURCE%' || pip install '%PIP_SOURCE%'
}

if grep -q '^\[transport\]' "$config"; then
    agent=knarr-agent
    is_there knarr-agent || fetch /usr/local/bin/knarr-agent || pip_install
else
    agent=muranoagent
    # Images that carry the agent in an environment of its own
    bundled=/opt/stack/venvs/murano-agent/bin/muranoagent
    if [ -x "$bundled" ] && [ ! -e /usr/local/bin/muranoagent ]; then
        ln -s "$bundled" /usr/local/bin/muranoagent
    fi
    is_there muranoagent || pip_install
fi
if ! is_there "$agent"; then
    echo "$agent is not there and could not be installed: this machine runs no plans" >&2
    exit 1
fi

# Write a file of the service, with the agent's name in it.
put() {
    echo "$1" | base64 -d | sed "s|@AGENT@|$agent|" >"$2"
}

if [ -d /run/systemd/system ]; then
    put '%MURANO_AGENT_SERVICE%' /etc/systemd/system/murano-agent.service
    systemctl daemon-reload
    systemctl enable murano-agent
    systemctl restart murano-agent
elif [ -d /etc/init ]; then
    put '%MURANO_AGENT_CONF%' /etc/init/murano-agent.conf
    initctl stop murano-agent
    initctl start murano-agent
else
    put '%MURANO_AGENT%' /etc/init.d/murano-agent
    chmod 755 /etc/init.d/murano-agent
    if is_there update-rc.d; then
        update-rc.d murano-agent defaults
    elif is_there chkconfig; then
        chkconfig --add murano-agent
    fi
    /etc/init.d/murano-agent restart
fi
