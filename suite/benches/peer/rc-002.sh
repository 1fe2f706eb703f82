#!/bin/sh
# The RC-002 checks of agentbox as a shell script over `docker`, each as fast as that can be: a container for each condition,
# nothing waited for longer than it takes. `rc-002.sh IMAGE [only]`; prints a line a check, ends with 1 when one does not hold.
# What a shell cannot see (who tried to write, to connect or to install, and failed) has no line here.
set -u
image=$1
user=$(docker image inspect -f '{{.Config.User}}' "$image") || exit 1
dir=$(mktemp -d)
failed=0
base="--network none --read-only --cap-drop ALL --security-opt no-new-privileges
  --tmpfs /workspace:mode=1777 --tmpfs /tmp:mode=1777 --tmpfs /run/agentbox:mode=1777 --tmpfs /var/log/agentbox:mode=1777"
paths='/opt/agentbox/management-api/index.js /opt/agentbox/mcp/index.js /opt/agentbox/skills/openai-codex/mcp-server/index.js
  /opt/agentbox/skills/lazy-fetch/mcp-server/dist/index.js /opt/agentbox/skills/playwright/mcp-server/index.js
  /opt/agentbox/skills/comfyui/mcp-server/index.js'
tools='playwright codex claude-code ruflo agentic-qe code-server nostr-bridge ruvector claude-flow nagual-qe
  codebase-memory-mcp agent-browser'
trap 'docker rm -f rc002-$$ >/dev/null 2>&1; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

say() { # STATUS NAME
    [ "$1" = 0 ] && echo "ok   $2" || { echo "FAIL $2"; failed=1; }
}

ready() { # waits for the event that says so; the image has no client to ask with
    tries=0
    until docker logs "$1" 2>&1 | grep -q BootstrapCompleted; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || return 1
        sleep 0.05
    done
}

# RC-002-01: ready without a network, and nothing in the log says that it fetched something.
docker run -d --name rc002-$$ $base "$image" >/dev/null
ready rc002-$$; say $? ready-without-network
docker logs rc002-$$ >"$dir/log" 2>&1
! grep -Eiq 'npm install|pip install|Downloading' "$dir/log"; say $? log-names-no-download

# RC-002-02: artifacts are there and answer.
for path in $paths; do docker exec rc002-$$ test -f "$path"; say $? "artifact $path"; done
for tool in $tools; do
    docker exec rc002-$$ "$tool" --version 2>&1 | grep -Eq '[0-9]+\.[0-9]+\.[0-9]+'; say $? "command $tool"
done

# RC-002-04: the tree takes no write, and is as shipped.
! docker exec rc002-$$ sh -c ': > /opt/agentbox/x' 2>/dev/null; say $? tree-is-read-only
! docker diff rc002-$$ | grep -q ' /opt/agentbox'; say $? tree-is-unchanged
! docker diff rc002-$$ | grep -q node_modules; say $? no-node-modules-made
docker rm -f rc002-$$ >/dev/null

# RC-002-03: no installer in the entrypoint or what it runs.
docker create --name rc002-$$ "$image" >/dev/null
docker export rc002-$$ | tar -x -C "$dir" entrypoint.sh opt/agentbox 2>/dev/null
! grep -rEq 'npm install|pnpm|pip install|playwright install|npx.*install' "$dir/entrypoint.sh" "$dir/opt/agentbox/lib"
say $? entrypoint-installs-nothing
docker rm rc002-$$ >/dev/null

# RC-002-05: each missing artifact stops the boot, twice, and is named.
for path in $paths $(for tool in $tools; do echo "/usr/local/bin/$tool"; done); do
    docker run --name rc002-$$ --network none --user 0 --entrypoint rm "$image" -f "$path"
    docker commit -c "USER ${user:-0}" -c 'ENTRYPOINT ["/entrypoint.sh"]' -c 'CMD []' rc002-$$ rc002:$$ >/dev/null
    docker rm rc002-$$ >/dev/null
    for boot in 1 2; do
        timeout 30 docker run --rm --name rc002-$$ $base rc002:$$ >"$dir/out" 2>&1; code=$?
        [ $code -ne 0 ] && grep -Eq "FATAL:.*(missing|not in PATH)" "$dir/out" && grep -q "${path##*/}" "$dir/out"
        say $? "fatal without $path ($boot)"
    done
    docker rmi -f rc002:$$ >/dev/null
done
exit $failed
