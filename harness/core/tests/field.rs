//! What scripts from the field taught the lint: each text with the lines that smell, and its look-alikes that do not.

use adamant_core::shell::script;

/// The rules that each line breaks, as `line rule`.
fn smells(text: &str) -> Vec<String> {
    let lint = script("/s.sh", text.as_bytes());
    assert_eq!(lint.unparsed, [], "{text}");
    let mut smells = lint.smells.iter().collect::<Vec<_>>();
    smells.sort_by_key(|smell| (smell.line, smell.rule));
    smells
        .iter()
        .map(|smell| format!("{} {}", smell.line, smell.rule))
        .collect()
}

fn check(table: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (text, expected) in table {
        let found = smells(text);
        if found != *expected {
            wrong.push(format!(
                "{text}\n  expected {expected:?}\n  found {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_message_may_be_written_by_functions_of_the_script() {
    // A level is asked, arguments are taken apart, a file is written: it is talk all the same.
    const LOG: &str = "log() { level=\"$1\"; shift || true; if ! emits \"$level\"; then return 0; fi; echo \"$*\" >>\"$LOG\"; }\n\
        emits() { [ \"$1\" != debug ]; }\nlog_warn() { log warn \"$@\"; }\n";
    check(&[
        (
            &format!("{LOG}chown app /srv || log_warn 'not changed'\n"),
            &["4 swallow/or-echo"],
        ),
        (
            &format!("{LOG}if ! cp -a /a /b; then log_warn 'no copy'; fi\n"),
            &["4 swallow/if-message"],
        ),
        // One that ends the boot, or fails itself, is an answer.
        (
            "log_error() { echo \"$*\" >&2; exit 1; }\nchown app /srv || log_error no\n",
            &[],
        ),
        (
            "set -e\nlog_error() { echo \"$*\" >&2; return 1; }\nchown app /srv || log_error no\n",
            &[],
        ),
        (
            "log_and_mend() { echo \"$*\"; /opt/mend; }\nchown app /srv || log_and_mend no\n",
            &[],
        ),
    ]);
}

#[test]
fn a_step_behind_a_function_that_runs_its_arguments_is_the_calls() {
    const RUN: &str = "run_cmd() { if \"$@\" >/tmp/out 2>&1; then return 0; else rc=$?; cat /tmp/out; return $rc; fi; }\n";
    check(&[
        (
            &format!("{RUN}if ! run_cmd php artisan migrate --force; then echo failed; fi\n"),
            &["2 swallow/if-message"],
        ),
        (
            &format!("{RUN}run_cmd php artisan migrate --force || true\n"),
            &["2 swallow/or-true"],
        ),
        (
            &format!("{RUN}if ! run_cmd php artisan cache:clear; then echo failed; fi\n"),
            &[],
        ),
        (
            &format!("{RUN}if ! run_cmd php artisan migrate; then echo failed; exit 1; fi\n"),
            &[],
        ),
    ]);
}

#[test]
fn a_job_is_waited_for_by_its_own_number() {
    check(&[
        // The number that is waited for is the service's.
        (
            "ollama serve &\npid=$!\nollama pull llama3 &\nwait \"$pid\"\n",
            &["3 fetch/model", "3 swallow/background"],
        ),
        (
            "set -e\npython manage.py migrate &\nmigrate=$!\n./serve &\nwait \"$migrate\"\n",
            &[],
        ),
        (
            "set -e\npids=()\nnpm run build & pids+=($!)\nfor p in \"${pids[@]}\"; do wait \"$p\"; done\n",
            &[],
        ),
        ("npm run build &\nnpm run migrate &\nwait -n\n", &[]),
    ]);
}

#[test]
fn a_negated_step_hides_its_failure() {
    check(&[
        (
            "set -e\n! python manage.py migrate\n",
            &["2 swallow/condition"],
        ),
        ("set -e\n! grep -q x /etc/passwd\n", &[]),
        (
            "set -e\nif ! python manage.py migrate; then exit 1; fi\n",
            &[],
        ),
    ]);
}

#[test]
fn what_asks_is_no_work_whatever_its_name_is_about() {
    check(&[
        (
            "node scripts/verify-seed.js || echo 'seed looks odd'\n",
            &[],
        ),
        ("php artisan app:system-checks || echo warnings\n", &[]),
        ("ipset destroy allowed || true\n", &[]),
        ("wp plugin deactivate hello || true\n", &[]),
        ("xsetroot -solid black || true\n", &[]),
        (
            "for n in 1 2 3; do\n  python manage.py migrate && ok=1 && break || true\ndone\n[ \"$ok\" ] || exit 1\n",
            &[],
        ),
        (
            "node scripts/seed.js || echo 'not seeded'\n",
            &["1 swallow/or-echo"],
        ),
    ]);
}

#[test]
fn output_that_is_kept_for_a_message_hides_the_failure_all_the_same() {
    check(&[
        (
            "out=$(python manage.py migrate 2>&1) || echo \"failed: $out\"\n",
            &["1 swallow/or-echo"],
        ),
        (
            "if ! out=$(flask db upgrade 2>&1); then echo \"$out\"; fi\n",
            &["1 swallow/if-message"],
        ),
        (
            "key=$(openssl rand -hex 32) || true\nhead=$(flask db current) || true\n",
            &[],
        ),
        (
            "if ! out=$(flask db upgrade 2>&1); then echo \"$out\"; exit 1; fi\n",
            &[],
        ),
        ("set -e\nout=$(flask db upgrade 2>&1)\necho \"$out\"\n", &[]),
    ]);
}

#[test]
fn a_download_that_stays_is_one_even_when_its_status_is_asked() {
    check(&[
        (
            "curl -fsS -o /app/x https://e.test/x || true\n",
            &["1 fetch/download", "1 swallow/or-true"],
        ),
        (
            "if curl -fsS -o /opt/app/tool https://e.test/tool; then chmod +x /opt/app/tool; fi\n",
            &["1 fetch/download-run", "1 swallow/condition"],
        ),
        (
            "curl -fsS -o /tmp/answer http://e.test/health || true\n",
            &[],
        ),
        (
            "if curl -s -o /dev/null https://e.test/health; then echo up; fi\n",
            &[],
        ),
    ]);
}

#[test]
fn text_for_another_language_is_no_shell() {
    check(&[
        (
            "x=$(cd /app && echo '<?php $c = require(\"c.php\"); echo $c[\"db\"];' | php)\n",
            &[],
        ),
        ("echo 'pip install x' | python3\n", &[]),
        ("echo 'pip install x' | sh\n", &["1 install/pip"]),
        (
            "curl -fsS https://get.test/x.py | python3\n",
            &["1 fetch/curl-pipe-shell"],
        ),
    ]);
}

#[test]
fn installs_in_the_spellings_of_the_field() {
    check(&[
        (
            "$APT_INSTALL curl jq\n\"$PIP_INSTALL\" flask\n",
            &["1 install/apt", "2 install/pip"],
        ),
        ("$SKIP_INSTALL curl\n$NPM_INSTALL_DIR/bin/x\n", &[]),
        (
            "python -m cobaya.install cosmo\npython -m app.main install\n",
            &["1 install/pip"],
        ),
        (
            "pickle install redis\npickle info redis\n",
            &["1 install/php-extension"],
        ),
        ("mvn spring-boot:run\n./gradlew bootRun\nmvn -v\n", &[]),
        (
            "parallel -j2 npm ci --prefix ::: a b\nparallel gzip ::: a b\n",
            &["1 install/npm"],
        ),
        (
            "script -qec 'npm ci' /dev/null\nscript -q /tmp/log\n",
            &["1 install/npm"],
        ),
        (
            "helm upgrade --install x stable/x\nhelm install x oci://r.test/x\nhelm install x ./chart\nhelm upgrade x /charts/x\nhelm list\n",
            &["1 install/provider", "2 install/provider"],
        ),
    ]);
}

#[test]
fn downloads_in_the_spellings_of_the_field() {
    check(&[
        (
            "python3 <(curl -fsS https://e.test/x)\npython3 app.py $(curl -s ifconfig.test)\nnode $(echo '(x')\n",
            &["1 fetch/curl-pipe-shell"],
        ),
        (
            "python scripts/download_models.py --all\npython downloads.py\npython download.py --help\n",
            &["1 fetch/download"],
        ),
        (
            "php bin/console importmap:install\nphp bin/console assets:install\n",
            &["1 fetch/download"],
        ),
        (
            "python -c 'from transformers import M; M.from_pretrained(\"x\")'\n",
            &["1 fetch/download"],
        ),
        (
            "az storage blob download -c c -n x.zip -f /tmp/x.zip\naz storage blob list -c c\naz storage blob download -c c -n db.sql -f /tmp/db.sql\n",
            &["1 fetch/download"],
        ),
        (
            "cmd=$(command -v hf || command -v huggingface-cli)\n\"$HF_CMD\" download a/b\n",
            &["2 fetch/model"],
        ),
        (
            "gsutil cp `gsutil ls gs://b/ | tail -1` /tmp/x.zip\ngsutil cp `ls | tail -1` gs://b/\n",
            &["1 fetch/download"],
        ),
        (
            "curl -SfL \"$url/$name.hpi\" -o \"/ref/$name.jpi\" || exit 1\n",
            &["1 fetch/download"],
        ),
        (
            "gdown 1abc\nrclone sync remote:models /models\n",
            &["1 fetch/download", "2 fetch/download"],
        ),
        (
            "go mod vendor\ncargo +nightly install x\ncargo +nightly --version\n",
            &["1 install/go", "2 install/cargo"],
        ),
        (
            "mix do deps.get, compile\nmix do compile, phx.server\n",
            &["1 install/mix"],
        ),
        (
            "symfony composer install\nsymfony console cache:clear\n",
            &["1 install/composer"],
        ),
        (
            "comfy node install x\ncomfy launch\nclaude install\nclaude -p install\njupyter lab build\njupyter lab\n",
            &["1 install/plugin", "3 install/plugin", "5 install/plugin"],
        ),
        (
            "mise use -g uv\nmise activate bash\n",
            &["1 install/toolchain"],
        ),
        ("R CMD INSTALL /src/x\nR CMD BATCH x.R\n", &["1 install/r"]),
    ]);
}

#[test]
fn code_of_many_texts_is_one_finding() {
    let values = |name: &str| {
        let tests = (0..9).map(|n| format!("[ \"$k\" = {n} ] && {name}=v{n}\n"));
        tests.collect::<String>()
    };
    let all = format!("{}{}", values("a"), values("b"));
    let lines = all.lines().count();
    for (code, count) in [
        ("su app -c \"nvm install '$a'\"", 1),
        ("su \"$a\" -c \"cd '$b' && nvm install '$a'\"", 1),
    ] {
        let found = smells(&format!("{all}{code}\n"));
        assert_eq!(
            found,
            vec![format!("{} install/toolchain", lines + 1); count],
            "{code}"
        );
    }
}

#[test]
fn a_command_in_an_assignment_has_its_place_whichever_parser_read_it() {
    // A bare `for x do` is for the second parser, which does not tell where an assigned word stands.
    check(&[(
        "f() {\n  for x do\n    err=$(curl -s \"$1\" --output \"$2\" 2>&1)\n  done\n}\nVALUE=${:-}\nf https://e.test/x /opt/x\nout=$(\n  pip install a\n) all=(1 \"$(npm ci)\")\n",
        &["3 fetch/download", "9 install/pip", "10 install/npm"],
    )]);
}

#[test]
fn software_of_an_object_store_is_a_fetch_and_data_is_not() {
    check(&[
        (
            "aws s3 sync s3://bucket/app /app\ngsutil -m rsync -r gs://b/site /var/www/html\nrclone copy store:plugins /opt/plugins\naws s3 cp s3://b/x.tar.gz /tmp/\n",
            &[
                "1 fetch/download",
                "2 fetch/download",
                "3 fetch/download",
                "4 fetch/download",
            ],
        ),
        (
            "aws s3 sync s3://bucket/state /data\naws s3 cp s3://b/db.sql /tmp/db.sql\naws s3 cp /backup/x s3://b/\nrclone copy /data store:backup\naws s3 ls s3://b/app\n",
            &[],
        ),
        (
            "kubectl apply -f https://x.test/crd.yaml\nkubectl apply -f ./crd.yaml\nkubectl apply -f http://gitea:3000/x.yaml\n",
            &["1 fetch/download"],
        ),
    ]);
}

#[test]
fn a_command_in_a_variable_is_known_by_what_the_variable_is_called() {
    check(&[
        (
            "$SUDO -u app npm ci\n\"$SUDO\" sh -c 'pip install x'\n${GIT_BIN} clone https://e.test/x\n\"$VENV_PYTHON\" -m pip install x\n",
            &[
                "1 install/npm",
                "2 install/pip",
                "3 fetch/git",
                "4 install/pip",
            ],
        ),
        // What is behind an unknown word is judged by itself, and its failure says nothing.
        (
            "$RUNNER npm ci\n$RUNNER migrate || true\n$TOOL -m venv /opt/venv || true\n",
            &["1 install/npm"],
        ),
        // It is no function of the script; a name that only the run knows may be one.
        ("dead() { npm ci; }\n\"$NPM\" start\n", &[]),
        ("late() { npm ci; }\n\"$STEP\"\n", &["1 install/npm"]),
        // A library's functions are for others, whatever it does when it is sourced.
        (
            "#!/bin/false\nsetup() { echo ready; }\nfetch_all() { npm ci; }\nsetup\nmkdir /x\n",
            &["3 install/npm"],
        ),
    ]);
}

#[test]
fn who_only_runs_another_command_is_looked_through() {
    check(&[
        (
            "op run --env-file=.env -- npm ci\nchamber exec app -- bundle install\naws-vault exec dev -- pip install x\nvolta run --node 18 npm ci\n",
            &[
                "1 install/npm",
                "2 install/bundle",
                "3 install/pip",
                "4 install/npm",
            ],
        ),
        (
            "doppler run --command 'npm start'\nasdf exec ruby app.rb install\nnvm exec 18 node install\npoetry run 3to2 install\nsu - app\nsu app /opt/npm install\n",
            &[],
        ),
        // What a tool resolves for one run counts before what it runs.
        (
            "uv run -p 3.12 --with x app.py\nuv run app.py --with-tests\n",
            &["1 install/uv"],
        ),
    ]);
}

#[test]
fn a_list_that_is_empty_here_is_for_others_to_fill() {
    check(&[
        (
            "MODELS=(\n  # https://e.test/a.safetensors\n)\nget_all() { dir=\"$1\"; shift; for url in \"$@\"; do wget -P \"$dir\" \"$url\"; done; }\nget_all /models \"${MODELS[@]}\"\nfor name in $PLUGINS; do npm install \"$name\"; done\n",
            &["4 fetch/download", "6 install/npm"],
        ),
        (
            "for name in; do echo \"$name\"; done\nfor x in \"${NONE[@]}\"; do ls \"$x\"; done\n",
            &[],
        ),
    ]);
}

#[test]
fn what_ends_or_asks_a_service_is_no_step() {
    check(&[
        (
            "pm2 stop all || true\npm2 start app.js || true\nnginx || true\npsql -c 'SELECT 1; CREATE DATABASE x' || true\npsql -c 'SELECT 1' -c 'CREATE DATABASE x' || true\npsql -c 'SELECT 1' -f /x.sql || true\n",
            &[
                "2 swallow/or-true",
                "3 swallow/or-true",
                "4 swallow/or-true",
                "5 swallow/or-true",
                "6 swallow/or-true",
            ],
        ),
        // A bare `exit` was meant for an answer, and a status that follows is one.
        (
            "f() { npm run migrate || { echo no; exit; }; }\nf\ng() { npm run migrate || { echo no; return 1; }; }\ng\n",
            &[],
        ),
    ]);
}
