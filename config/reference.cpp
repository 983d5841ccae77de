#include "config/reference.h"

#include <string_view>

#include "config/kinds.h"
#include "config/problem.h"
#include "config/service_keys.h"

namespace reeve::config {

namespace {

constexpr std::string_view kOpening = R"(# Configuration

The reference of everything that a configuration file can say. It is generated from the table that
the parser itself uses, as is [reeve.schema.json](reeve.schema.json), from which editors complete and
check.

```yaml
version: 1
services:
  hello:
    command: python3 -m http.server 8000
    working_dir: /srv/hello
    ready: {tcp: 127.0.0.1:8000}
```

Check it without running anything:

```console
$ reeved --check -c reeve.yaml
valid: 1 service in 1 file
```

To have an editor complete and check, begin a file with:

```yaml
# yaml-language-server: $schema=reeve.schema.json
```

## Places

| what | as root | as any other user |
|---|---|---|
| configuration | `/etc/reeve/reeve.yaml`, `/etc/reeve/services.d/*.yaml` | `$XDG_CONFIG_HOME/reeve/`, same names inside |
| runtime (socket, state, pipes) | `/run/reeve` | `$XDG_RUNTIME_DIR/reeve`, else `/tmp/reeve-UID` |
| logs | `/var/log/reeve` | `$XDG_STATE_HOME/reeve/log` |
| lasting state | `/var/lib/reeve` | `$XDG_STATE_HOME/reeve` |

`XDG_CONFIG_HOME` is `~/.config` and `XDG_STATE_HOME` is `~/.local/state` where they are not set. A
flag beats an environment variable (`REEVE_CONFIG`, `REEVE_RUNTIME_DIR`, `REEVE_LOG_DIR`,
`REEVE_STATE_DIR`), which beats the file, which beats this table.

## Files

A file is YAML 1.2 in UTF-8, one document, at most 4 MiB. Its top-level keys:

| key | meaning |
|---|---|
| `version` | `1`. May be left out. |
| `include` | List of files to read too; wildcards are allowed, and names are relative to this file. A file named twice is read once. |
| `supervisor` | Settings of [the supervisor](#the-supervisor) itself. |
| `defaults` | Settings that every [service](#a-service) of every file begins with. |
| `services` | Map of services by name. |

- A configuration may consist of several files. Where a folder is named, its `*.yaml` are read in
  order of name. A service stands in one file only, and each key of `supervisor` and `defaults` in
  one file only.
- `defaults` lie below every service: maps are merged, anything else in the service takes the place
  of what `defaults` say. `${SERVICE}` in them is the service's own name. A oneshot takes no `ready`,
  `reload`, `health`, `watchdog`, `post_start` and `pre_stop` from them, a service without a command
  only `description`, `enabled`, `groups` and what it says of other services.
- A name is made of `a-z`, `0-9`, `.`, `_` and `-`, begins with a letter or a digit, and has 64
  characters at most. `NAME@INSTANCE`, both such names, is an instance: one of those that
  [`instances`](#what-runs) makes, or a service that is written down under that name.
- Nobody but root and the user who runs the supervisor may be able to write to a file, nor to a
  folder that is named; otherwise it is refused. A group that only that user has is allowed.
- Anchors and aliases work; they may add 100,000 values at most. Lists and maps may be nested 64
  deep. Merge keys (`<<`) are not YAML 1.2: use `defaults`.

## Values

| type | examples | rules |
|---|---|---|
| duration | `250ms`, `10s`, `5m`, `1h30m`, `2d`, `1.5` | a bare number is seconds |
| size | `64KiB`, `10MiB`, `1GiB`, `4096` | a bare number is bytes |
| signal | `TERM`, `SIGTERM`, `15`, `RTMIN+3` | |
| boolean | `true`, `false` | and nothing else: `yes` and `on` are refused |
| number | `10`, `010` | always decimal: both are ten |
| octal mode | `"022"`, `022`, `0o22` | always octal, with or without quotes |
| percentage | `10%` | |
| exit codes and signals | `[0, 143, SIGTERM]` | a number is an exit code, a name is a signal |

`${NAME}` in any string stands for a variable of the supervisor's environment, and
`${NAME:-default}` for the default where that variable is unset or empty. `$$` is a dollar, and any
other `$` stays as it is. `${SERVICE}` is the service's name, and `${INSTANCE}` what an instance has
behind the `@` of its name. An undefined variable without a default is an error. Keys are taken as
they stand. Within `{…}` and `[…]` a string with `${…}` needs quotes, as YAML has it.

## Commands

A command is either a list, each item one argument exactly as it stands, or a string:

```yaml
command: [nginx, -g, daemon off;]
command: nginx -g 'daemon off;'
```

A string is split into words as a POSIX shell would (quotes `'…'` and `"…"`, backslash), after its
variables are filled in. No shell runs: a pipe, a redirection or a second command in it is an error.
Where a shell is wanted, name it: `[sh, -c, "sort < in > out"]`.

### Commands of a turn

Where several commands may stand, as in `pre_start`, there is one, a list of lists, or a list of maps,
to be run one after the other:

```yaml
pre_start: mkdir -p /run/app
pre_start: [mkdir, -p, /run/app]
pre_start: [[mkdir, -p, /run/app], [touch, /run/app/ready]]
pre_start:
  - {command: chown app /dev/ttyS0, as: root}
  - {command: [/srv/app/bin/migrate], timeout: 5m}
```

| key | type | default | meaning |
|---|---|---|---|
| `command` | [command](#commands) | | What to run. Required. |
| `timeout` | [duration](#values) | `start_timeout`, for `pre_stop` and `post_stop` `stop.timeout` | How long it may take; past it, it has failed and is killed. |
| `as` | `service` or `root` | `service` | Whom it runs as; `root` needs a supervisor that is root. |

## Messages

Every problem in every file is reported in one pass, one line each:

```
FILE:LINE:COLUMN: error: PATH: what; what to do
```

```
reeve.yaml:4:5: error: services.web.comand: unknown key; did you mean `command`?
reeve.yaml:9:16: error: services.app.requires: there is no service "databse"; did you mean database?
```

A line that says `warning` instead of `error` does not keep the configuration from being used.
)";

/// In a cell of a table.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

std::string in_code(std::string_view text) { return "`" + std::string(text) + "`"; }

/// Words as code: `a`, `b` or `c`.
std::string words_in_code(std::span<const std::string_view> words) {
    std::vector<std::string> code;
    for (const std::string_view word : words) code.push_back(in_code(word));
    return enumerate({code.begin(), code.end()}, "or");
}

/// `prefix` is what headings of maps have in front, so that no two are the same.
std::string type_of(const Key& key, std::string_view prefix) {
    const Field& field = key.field;
    if (field.kind == Kind::Choice) return words_in_code(field.words);
    if (field.kind != Kind::Map) return std::string(info_of(field.kind).words);
    const std::string map = "[map](#" + std::string(prefix) + std::string(key.name) + ")";
    return field.words.empty() ? map : words_in_code(field.words) + ", or " + map;
}

/// A default that is a value stands as code, one that is words as words.
std::string default_of(const Key& key) {
    const std::string_view text = key.fallback;
    const bool words = text.empty() || text.find(' ') != std::string_view::npos ||
                       text.find('\'') != std::string_view::npos;
    return words ? std::string(text) : in_code(text);
}

void add_table(std::string& page, KeyList keys, std::string_view prefix) {
    page += "| key | type | default | meaning |\n|---|---|---|---|\n";
    for (const Key& key : keys) {
        if (key.field.read == nullptr) continue;
        page += "| " + in_code(key.name) + " | " + cell(type_of(key, prefix)) + " | " +
                cell(default_of(key)) + " | " + cell(key.meaning) + " |\n";
    }
    page += '\n';
}

void add_section(std::string& page, const Section& section, std::string_view heading,
                 std::string_view prefix) {
    page += std::string(heading) + ' ' + std::string(section.title) + "\n\n";
    if (!section.intro.empty()) page += std::string(section.intro) + "\n\n";
    add_table(page, section.keys, prefix);
    for (const Key& key : section.keys) {
        if (key.field.keys.empty()) continue;
        page += std::string(heading) + "# " + std::string(prefix) + std::string(key.name) + "\n\n";
        add_table(page, key.field.keys, prefix);
    }
    page += "```yaml\n" + std::string(section.example) + "```\n\n";
}

/// Names of keys that are known but refused, with those of maps behind a dot.
void list_unbuilt(std::string& out, std::string_view prefix, KeyList keys) {
    for (const Key& key : keys) {
        const std::string name = std::string(prefix) + std::string(key.name);
        if (key.field.read == nullptr) out += (out.empty() ? "" : ", ") + in_code(name);
        list_unbuilt(out, name + ".", key.field.keys);
    }
}

std::string unbuilt(std::span<const Section> table) {
    std::string out;
    for (const Section& section : table) list_unbuilt(out, "", section.keys);
    return out;
}

}  // namespace

std::string reference_page() {
    std::string page(kOpening);
    page += '\n';
    for (const Section& section : supervisor_table())
        add_section(page, section, "##", "supervisor-");
    page += "## A service\n\n`services` and `defaults` hold these keys.\n\n";
    for (const Section& section : service_table()) add_section(page, section, "###", "");
    page +=
        "## Not supported yet\n\nThese keys are known and refused, never accepted and ignored.\n\n";
    page += "- of `supervisor`: " + unbuilt(supervisor_table()) + "\n";
    page += "- of a service: " + unbuilt(service_table()) + "\n";
    return page;
}

}  // namespace reeve::config
