
use builtin;
use str;

set edit:completion:arg-completer[istio-tls] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'istio-tls'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'istio-tls'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand init 'Writes istio-tls.yaml'
            cand gen-certs 'Makes a root, intermediate, server and client certificate per host'
            cand adopt 'Takes an existing chain into the workspace'
            cand revoke 'Revokes a client or server certificate'
            cand inspect 'Explains certificates and keys in a file, a folder, a Secret or at a host'
            cand verify 'Verifies a certificate as a client would'
            cand manifests 'Prints the Secrets, Gateway and VirtualServices'
            cand serve 'Runs the Gateway and VirtualServices in a local gateway'
            cand probe 'Proves TLS and mutual TLS from a client''s side'
            cand request 'Sends one request with everything set'
            cand up 'Makes certificates if needed, serves, and probes'
            cand apply 'Applies the workspace''s objects to a cluster (comes in a later release)'
            cand completions 'Prints the completion script of a shell'
            cand man 'Prints the manual page of the program or of one command'
            cand schema 'Prints the JSON Schema of istio-tls.yaml'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'istio-tls;init'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;gen-certs'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;adopt'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;revoke'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;inspect'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;verify'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;manifests'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;serve'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;probe'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;request'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;up'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;apply'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;completions'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;man'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;schema'= {
            cand -C 'The workspace folder [default: the current folder]'
            cand --dir 'The workspace folder [default: the current folder]'
            cand -o 'Output format (text, json, yaml ... as the command has them)'
            cand --output 'Output format (text, json, yaml ... as the command has them)'
            cand --color 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)'
            cand -n 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --namespace 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]'
            cand --gateway-namespace 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]'
            cand -q 'No progress on standard error'
            cand --quiet 'No progress on standard error'
            cand -v 'More detail; twice for debugging'
            cand --verbose 'More detail; twice for debugging'
            cand --no-input 'Never ask a question'
            cand -y 'Answer yes to every confirmation'
            cand --yes 'Answer yes to every confirmation'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'istio-tls;help'= {
            cand init 'Writes istio-tls.yaml'
            cand gen-certs 'Makes a root, intermediate, server and client certificate per host'
            cand adopt 'Takes an existing chain into the workspace'
            cand revoke 'Revokes a client or server certificate'
            cand inspect 'Explains certificates and keys in a file, a folder, a Secret or at a host'
            cand verify 'Verifies a certificate as a client would'
            cand manifests 'Prints the Secrets, Gateway and VirtualServices'
            cand serve 'Runs the Gateway and VirtualServices in a local gateway'
            cand probe 'Proves TLS and mutual TLS from a client''s side'
            cand request 'Sends one request with everything set'
            cand up 'Makes certificates if needed, serves, and probes'
            cand apply 'Applies the workspace''s objects to a cluster (comes in a later release)'
            cand completions 'Prints the completion script of a shell'
            cand man 'Prints the manual page of the program or of one command'
            cand schema 'Prints the JSON Schema of istio-tls.yaml'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'istio-tls;help;init'= {
        }
        &'istio-tls;help;gen-certs'= {
        }
        &'istio-tls;help;adopt'= {
        }
        &'istio-tls;help;revoke'= {
        }
        &'istio-tls;help;inspect'= {
        }
        &'istio-tls;help;verify'= {
        }
        &'istio-tls;help;manifests'= {
        }
        &'istio-tls;help;serve'= {
        }
        &'istio-tls;help;probe'= {
        }
        &'istio-tls;help;request'= {
        }
        &'istio-tls;help;up'= {
        }
        &'istio-tls;help;apply'= {
        }
        &'istio-tls;help;completions'= {
        }
        &'istio-tls;help;man'= {
        }
        &'istio-tls;help;schema'= {
        }
        &'istio-tls;help;help'= {
        }
    ]
    $completions[$command]
}
