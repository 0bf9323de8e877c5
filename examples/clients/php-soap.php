#!/usr/bin/env php
<?php
// pbxd over SOAP with PHP's SoapClient (Debian: php-soap).
//     PBX_URL=http://127.0.0.1:8080 PBX_USER=... PBX_PASSWORD=... php php-soap.php [--json]
// PBX_TOKEN=... in place of user and password sends "Authorization: Bearer". PBX_SOAP=1.2 speaks SOAP 1.2.
// PBX_QUEUE names the queue to read (the first one), PBX_TITLE renames it before (role admin).

final class Pbx
{
    private SoapClient $soap;

    // $login: ['login' => ..., 'password' => ...] or ['bearer' => ...]
    public function __construct(array $login)
    {
        $url = rtrim(getenv('PBX_URL') ?: 'http://127.0.0.1:8080', '/') . '/soap';
        $http = ['timeout' => 40]; // event.poll waits up to 30 s
        if (isset($login['bearer'])) {
            $http['header'] = 'Authorization: Bearer ' . $login['bearer'];
            unset($login['bearer']);
        }
        $this->soap = new SoapClient($url . '?wsdl', $login + [
            // The address in the contract is the server's public one; credentials go only where PBX_URL points.
            'location' => $url,
            'soap_version' => getenv('PBX_SOAP') === '1.2' ? SOAP_1_2 : SOAP_1_1,
            // Otherwise a list of one item is that item, and an empty list is missing.
            'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
            // The default keeps the contract in /tmp for a day, after an update of the server, too.
            'cache_wsdl' => WSDL_CACHE_NONE,
            'stream_context' => stream_context_create(['http' => $http]),
        ]);
    }

    // queue.list is queueList in SOAP; every answer has one child, "result".
    public function call(string $operation, array $params = []): stdClass
    {
        return $this->soap->__soapCall($operation, [$params])->result;
    }
}

// The typed detail of a fault: code, token, message, request_id ... Decide by token or code. Null: not one of pbxd's.
function pbxFault(SoapFault $fault): ?stdClass
{
    $detail = $fault->detail->fault ?? null;
    if ($detail !== null) {
        $detail->code = (int) $detail->code; // SoapClient does not apply the contract to details: all is text in them
    }
    return $detail;
}

function login(): array
{
    if (getenv('PBX_TOKEN')) {
        return ['bearer' => getenv('PBX_TOKEN')];
    }
    foreach (['PBX_USER', 'PBX_PASSWORD'] as $name) {
        if (getenv($name) === false) {
            throw new RuntimeException("$name is not set (or set PBX_TOKEN)");
        }
    }
    return ['login' => getenv('PBX_USER'), 'password' => getenv('PBX_PASSWORD')];
}

// What a call that must fail fails with; any other error goes on.
function expectFault(string $token, callable $call): stdClass
{
    try {
        $call();
    } catch (SoapFault $fault) {
        $detail = pbxFault($fault);
        if ($detail?->token === $token) {
            return $detail;
        }
        throw $fault;
    }
    throw new RuntimeException("expected $token, but the call was answered");
}

try {
    $pbx = new Pbx(login());

    // A list comes in pages: "next" goes into "after" of the next call and is absent on the last page.
    $queues = [];
    $after = [];
    do {
        $page = $pbx->call('queueList', ['limit' => 100] + $after);
        array_push($queues, ...($page->items ?? []));
        $after = ['after' => $page->next ?? null];
    } while ($after['after'] !== null);

    $queue = getenv('PBX_QUEUE') ?: $queues[0]->name;
    if (getenv('PBX_TITLE')) {
        $pbx->call('queueUpdate', ['id' => $queue, 'title' => getenv('PBX_TITLE')]);
    }
    $status = $pbx->call('queueStatus', ['id' => $queue]); // "id" takes the name as well

    // The first poll only fetches a cursor; the second waits for something to happen after it.
    $cursor = $pbx->call('eventPoll')->next;
    $wait = (int) (getenv('PBX_WAIT') ?: 5);
    $events = $pbx->call('eventPoll', ['after' => $cursor, 'wait_seconds' => $wait]);
    $types = array_map(fn ($event) => $event->type, $events->items ?? []);

    $unknown = expectFault('not_found', fn () => $pbx->call('queueStatus', ['id' => 'no-such-queue']));
    $stranger = new Pbx(['login' => 'no-such-user', 'password' => 'wrong']);
    $refused = expectFault('unauthenticated', fn () => $stranger->call('queueList'));

    if (in_array('--json', $argv, true)) {
        $status->members ??= [];
        $status->callers ??= [];
        echo json_encode([
            'client' => 'php-soap',
            'queues' => array_map(fn ($q) => ['id' => $q->id, 'name' => $q->name, 'title' => $q->title], $queues),
            'status' => $status,
            'events' => ['types' => $types, 'next' => $events->next],
            'unknown_queue' => $unknown,
            'bad_credentials' => $refused,
        ], JSON_THROW_ON_ERROR), "\n";
        exit(0);
    }
    foreach ($queues as $q) {
        echo "queue $q->name: $q->title\n";
    }
    $counts = $status->counts;
    echo "$status->name: $counts->waiting waiting (longest $counts->longest_wait_seconds s), ",
        "$counts->free of $counts->members members free, as of $status->as_of", $status->stale ? ", STALE\n" : "\n";
    echo 'events: ', implode(', ', $types) ?: 'none', "\n";
    echo "unknown queue: $unknown->token - $unknown->message\n";
    echo "bad credentials: $refused->token - $refused->message\n";
} catch (SoapFault $fault) {
    $detail = pbxFault($fault);
    fwrite(STDERR, $detail ? "$detail->token ($detail->code): $detail->message\n" : $fault->getMessage() . "\n");
    exit(1);
} catch (RuntimeException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
