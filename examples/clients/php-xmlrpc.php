#!/usr/bin/env php
<?php
// pbxd over XML-RPC with PHP's xmlrpc extension (PECL; Debian: php-xmlrpc).
//     PBX_URL=http://127.0.0.1:8080 PBX_USER=... PBX_PASSWORD=... php php-xmlrpc.php [--json]
// PBX_TOKEN=... in place of user and password sends "Authorization: Bearer".
// PBX_QUEUE names the queue to read (the first one), PBX_TITLE renames it before (role admin).

// A fault of the server. Decide by token or code, show the message to people.
final class PbxError extends Exception
{
    public function __construct(int $code, public readonly string $token, string $message)
    {
        parent::__construct($message, $code);
    }
    public function report(): array
    {
        return ['code' => $this->code, 'token' => $this->token, 'message' => $this->message];
    }
}

final class Pbx
{
    private string $url;

    public function __construct(private string $authorization)
    {
        $this->url = rtrim(getenv('PBX_URL') ?: 'http://127.0.0.1:8080', '/') . '/RPC2';
    }

    // An operation takes one struct of named parameters and answers one struct.
    public function call(string $method, array $params = []): array
    {
        // An empty PHP array would be sent as an empty <array>, which is not a struct: leave the parameter out.
        // Without these two options the extension writes UTF-8 as broken character references.
        $request = xmlrpc_encode_request(
            $method,
            $params === [] ? [] : [$params],
            ['encoding' => 'UTF-8', 'escaping' => 'markup']
        );
        $body = @file_get_contents($this->url, false, stream_context_create(['http' => [
            'method' => 'POST',
            'header' => ['Content-Type: text/xml; charset=utf-8', 'Authorization: ' . $this->authorization],
            'content' => $request,
            'ignore_errors' => true, // an HTTP status other than 200 has a fault in its body, too
            'timeout' => 40,         // event.poll waits up to 30 s
        ]]));
        if ($body === false) {
            throw new RuntimeException("$this->url cannot be reached");
        }
        $answer = xmlrpc_decode($body, 'UTF-8');
        if (!is_array($answer)) {
            throw new RuntimeException("$this->url did not answer XML-RPC: " . ($http_response_header[0] ?? ''));
        }
        if (xmlrpc_is_fault($answer)) {
            // faultString is "token: text [request ID]"; the ID finds the request in the server's log.
            [$token, $message] = explode(': ', $answer['faultString'], 2) + [1 => ''];
            throw new PbxError($answer['faultCode'], $token, $message);
        }
        return $answer;
    }
}

function authorization(): string
{
    if (getenv('PBX_TOKEN')) {
        return 'Bearer ' . getenv('PBX_TOKEN');
    }
    foreach (['PBX_USER', 'PBX_PASSWORD'] as $name) {
        if (getenv($name) === false) {
            throw new RuntimeException("$name is not set (or set PBX_TOKEN)");
        }
    }
    return 'Basic ' . base64_encode(getenv('PBX_USER') . ':' . getenv('PBX_PASSWORD'));
}

// What a call that must fail fails with; any other error goes on.
function expectFault(string $token, callable $call): PbxError
{
    try {
        $call();
    } catch (PbxError $error) {
        if ($error->token === $token) {
            return $error;
        }
        throw $error;
    }
    throw new RuntimeException("expected $token, but the call was answered");
}

try {
    $pbx = new Pbx(authorization());

    // A list comes in pages: "next" goes into "after" of the next call and is absent on the last page.
    $queues = [];
    $after = [];
    do {
        $page = $pbx->call('queue.list', ['limit' => 100] + $after);
        array_push($queues, ...$page['items']);
        $after = ['after' => $page['next'] ?? null];
    } while ($after['after'] !== null);

    $queue = getenv('PBX_QUEUE') ?: $queues[0]['name'];
    if (getenv('PBX_TITLE')) {
        $pbx->call('queue.update', ['id' => $queue, 'title' => getenv('PBX_TITLE')]);
    }
    $status = $pbx->call('queue.status', ['id' => $queue]); // "id" takes the name as well

    // The first poll only fetches a cursor; the second waits for something to happen after it.
    $cursor = $pbx->call('event.poll')['next'];
    $wait = (int) (getenv('PBX_WAIT') ?: 5);
    $events = $pbx->call('event.poll', ['after' => $cursor, 'wait_seconds' => $wait]);
    $types = array_column($events['items'], 'type');

    $unknown = expectFault('not_found', fn () => $pbx->call('queue.status', ['id' => 'no-such-queue']));
    $stranger = new Pbx('Basic ' . base64_encode('no-such-user:wrong'));
    $refused = expectFault('unauthenticated', fn () => $stranger->call('queue.list'));

    if (in_array('--json', $argv, true)) {
        echo json_encode([
            'client' => 'php-xmlrpc',
            'queues' => array_map(fn ($q) => ['id' => $q['id'], 'name' => $q['name'], 'title' => $q['title']], $queues),
            'status' => $status,
            'events' => ['types' => $types, 'next' => $events['next']],
            'unknown_queue' => $unknown->report(),
            'bad_credentials' => $refused->report(),
        ], JSON_THROW_ON_ERROR), "\n";
        exit(0);
    }
    foreach ($queues as $q) {
        echo "queue {$q['name']}: {$q['title']}\n";
    }
    $counts = $status['counts'];
    echo "{$status['name']}: {$counts['waiting']} waiting (longest {$counts['longest_wait_seconds']} s), ",
        "{$counts['free']} of {$counts['members']} members free, as of {$status['as_of']}",
        $status['stale'] ? ", STALE\n" : "\n";
    echo 'events: ', implode(', ', $types) ?: 'none', "\n";
    echo "unknown queue: $unknown->token - {$unknown->getMessage()}\n";
    echo "bad credentials: $refused->token - {$refused->getMessage()}\n";
} catch (PbxError $error) {
    fwrite(STDERR, "$error->token ({$error->getCode()}): {$error->getMessage()}\n");
    exit(1);
} catch (RuntimeException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
