#!/bin/sh
# Sees to it that the agent is installed and is a service of this machine.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH

# Images that carry the agent in an environment of its own
bundled=/opt/stack/venvs/murano-agent/bin/muranoagent
if [ -x "$bundled" ] && [ ! -e /usr/local/bin/muranoagent ]; then
    ln -s "$bundled" /usr/local/bin/muranoagent
fi

if command -v muranoagent >/dev/null 2>&1; then
    echo "muranoagent is there"
else
    echo "muranoagent is not there: it is installed"
    pip3 install '%PIP_SOURCE%' || pip install '%PIP_SOURCE%'
fi

if [ -d /run/systemd/system ]; then
    echo '%MURANO_AGENT_SERVICE%' | base64 -d >/etc/systemd/system/murano-agent.service
    systemctl daemon-reload
    systemctl enable murano-agent
elif [ -d /etc/init ]; then
    echo '%MURANO_AGENT_CONF%' | base64 -d >/etc/init/murano-agent.conf
else
    echo '%MURANO_AGENT%' | base64 -d >/etc/init.d/murano-agent
    chmod 755 /etc/init.d/murano-agent
fi
