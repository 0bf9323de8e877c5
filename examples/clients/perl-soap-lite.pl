#!/usr/bin/perl
# pbxd over SOAP with SOAP::Lite (Debian: libsoap-lite-perl).
#     PBX_URL=http://127.0.0.1:8080 PBX_USER=... PBX_PASSWORD=... ./perl-soap-lite.pl [--json]
# PBX_TOKEN=... in place of user and password sends "Authorization: Bearer".
# PBX_QUEUE names the queue to read (the first one), PBX_TITLE renames it before (role admin).
#
# SOAP::Lite's WSDL mode (SOAP::Lite->service) cannot speak document/literal: it sends unqualified children. So the
# calls are made by hand, which needs the namespace, a SOAPAction and untyped, qualified elements.
use strict;
use warnings;
use utf8;
use Encode qw(decode);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use SOAP::Lite;

my $NS = 'urn:pbxd:integration:v1';
(my $url = $ENV{PBX_URL} || 'http://127.0.0.1:8080') =~ s{/+$}{};
$url .= '/soap';

sub authorization {
    return "Bearer $ENV{PBX_TOKEN}" if $ENV{PBX_TOKEN};
    for (qw(PBX_USER PBX_PASSWORD)) { die "$_ is not set (or set PBX_TOKEN)\n" unless defined $ENV{$_} }
    return basic($ENV{PBX_USER}, $ENV{PBX_PASSWORD});    # %ENV holds bytes: UTF-8 stays UTF-8
}

sub basic { return 'Basic ' . encode_base64(join(':', @_), '') }

sub connection {
    my ($authorization) = @_;
    my $soap = SOAP::Lite->proxy($url, timeout => 40)    # event.poll waits up to 30 s
        ->ns($NS, 'v')->on_action(sub { "\"$NS:$_[1]\"" })->autotype(0)
        # Otherwise SOAP::Lite dies on an HTTP status of 401 or 500 before it looks at the fault in the body.
        ->on_fault(sub {
            my ($self, $answer) = @_;
            die ref $answer ? $answer : $self->transport->status . "\n";
        });
    $soap->transport->http_request->header(Authorization => $authorization);
    return $soap;
}

# An element of the request: qualified, without xsi:type, and as characters (encode_data escapes < and &).
sub element {
    my ($name, $value) = @_;
    return SOAP::Data->name($name)->prefix('v')->type('')->value(SOAP::Utils::encode_data($value));
}

# queue.list is queueList in SOAP. Answers the child "result" of the response; dies with a hash (code, token, message,
# request_id ...) for a typed fault. Decide by token or code.
sub call {
    my ($soap, $operation, %params) = @_;
    my $answer = eval { $soap->call($operation, map { element($_, $params{$_}) } sort keys %params) };
    if (!$answer) {
        my $problem = $@;
        my $detail = ref $problem && $problem->faultdetail;
        die $detail->{fault} if ref $detail && $detail->{fault};
        die((ref $problem ? $problem->faultstring : $problem) . "\n");
    }
    return $answer;
}

# A repeated element cannot be told from a single one by a hash, so lists are asked for by path.
sub result { return $_[0]->valueof('//result') }
sub items  { return $_[0]->valueof('//result/items') }

sub expect_fault {
    my ($token, $work) = @_;
    eval { $work->(); 1 } and die "expected $token, but the call was answered\n";
    my $fault = $@;
    die $fault unless ref $fault eq 'HASH' && $fault->{token} eq $token;
    return $fault;
}

sub main {
    my $pbx = connection(authorization());

    # A list comes in pages: "next" goes into "after" of the next call and is absent on the last page.
    my (@queues, $after);
    do {
        my $page = call($pbx, 'queueList', limit => 100, defined $after ? (after => $after) : ());
        push @queues, items($page);
        $after = result($page)->{next};
    } while (defined $after);

    my $queue   = defined $ENV{PBX_QUEUE} ? decode('UTF-8', $ENV{PBX_QUEUE}) : $queues[0]{name};
    call($pbx, 'queueUpdate', id => $queue, title => decode('UTF-8', $ENV{PBX_TITLE})) if defined $ENV{PBX_TITLE};
    my $answer  = call($pbx, 'queueStatus', id => $queue);    # "id" takes the name as well
    my $status  = result($answer);
    $status->{members} = [$answer->valueof('//result/members')];
    $status->{callers} = [$answer->valueof('//result/callers')];

    # The first poll only fetches a cursor; the second waits for something to happen after it.
    my $cursor = result(call($pbx, 'eventPoll'))->{next};
    my $events = call($pbx, 'eventPoll', after => $cursor, wait_seconds => $ENV{PBX_WAIT} // 5);
    my @types  = map { $_->{type} } items($events);

    my $unknown = expect_fault('not_found', sub { call($pbx, 'queueStatus', id => 'no-such-queue') });
    my $refused = expect_fault('unauthenticated', sub { call(connection(basic('no-such-user', 'wrong')), 'queueList') });

    if (grep { $_ eq '--json' } @ARGV) {
        # Without a contract everything is text: numbers and booleans are told apart by the program that knows them.
        print JSON::PP->new->utf8->encode({
            client          => 'perl-soap-lite',
            queues          => [map { my $q = $_; +{map { $_ => $q->{$_} } qw(id name title)} } @queues],
            status          => $status,
            events          => {types => \@types, next => result($events)->{next}},
            unknown_queue   => $unknown,
            bad_credentials => $refused,
        }), "\n";
        return;
    }
    binmode STDOUT, ':encoding(UTF-8)';
    print "queue $_->{name}: $_->{title}\n" for @queues;
    my $counts = $status->{counts};
    print "$status->{name}: $counts->{waiting} waiting (longest $counts->{longest_wait_seconds} s), ",
        "$counts->{free} of $counts->{members} members free, as of $status->{as_of}",
        $status->{stale} eq 'true' ? ", STALE\n" : "\n";
    print 'events: ', @types ? join(', ', @types) : 'none', "\n";
    print "unknown queue: $unknown->{token} - $unknown->{message}\n";
    print "bad credentials: $refused->{token} - $refused->{message}\n";
}

eval { main(); 1 } or do {
    my $error = $@;
    $error = "$error->{token} ($error->{code}): $error->{message}\n" if ref $error eq 'HASH';
    binmode STDERR, ':encoding(UTF-8)';
    print STDERR $error;
    exit 1;
};
