#!/usr/bin/perl
# pbxd over XML-RPC with RPC::XML (Debian: librpc-xml-perl).
#     PBX_URL=http://127.0.0.1:8080 PBX_USER=... PBX_PASSWORD=... ./perl-rpc-xml.pl [--json]
# PBX_TOKEN=... in place of user and password sends "Authorization: Bearer".
# PBX_QUEUE names the queue to read (the first one), PBX_TITLE renames it before (role admin).
use strict;
use warnings;
use utf8;
use Encode qw(decode);
use JSON::PP;
use RPC::XML;
use RPC::XML::Client;

$RPC::XML::ENCODING = 'utf-8';    # the default, us-ascii, is refused as soon as there is an ä

(my $url = $ENV{PBX_URL} || 'http://127.0.0.1:8080') =~ s{/+$}{};
$url .= '/RPC2';

sub connection {
    my (%login) = @_;
    my $client = RPC::XML::Client->new($url, useragent => [timeout => 40]);    # event.poll waits up to 30 s
    # The client's own credentials() would wait for a challenge at each call: twice as many requests.
    if   ($login{token}) { $client->request->header(Authorization => "Bearer $login{token}") }
    else                 { $client->request->authorization_basic($login{user}, $login{password}) }
    return $client;
}

sub login {
    return (token => $ENV{PBX_TOKEN}) if $ENV{PBX_TOKEN};
    for (qw(PBX_USER PBX_PASSWORD)) { die "$_ is not set (or set PBX_TOKEN)\n" unless defined $ENV{$_} }
    return (user => $ENV{PBX_USER}, password => $ENV{PBX_PASSWORD});    # %ENV holds bytes: UTF-8 stays UTF-8
}

# An operation takes one struct of named parameters and answers one struct. Values without an RPC::XML type are guessed:
# a queue that is called 100 would be sent as an int. So text goes through RPC::XML::string.
sub text { return RPC::XML::string->new($_[0]) }

# Dies with a hash (code, token, message) for a fault. Decide by token or code, show the message to people.
sub call {
    my ($client, $method, %params) = @_;
    my $answer = $client->send_request($method, %params ? RPC::XML::struct->new(\%params) : ());
    die "$url: $answer\n" unless ref $answer;
    if ($answer->is_fault) {
        # faultString is "token: text [request ID]"; the ID finds the request in the server's log.
        my ($token, $message) = split /: /, $answer->string, 2;
        die {code => $answer->code, token => $token, message => $message};
    }
    return $answer->value;
}

sub expect_fault {
    my ($token, $work) = @_;
    eval { $work->(); 1 } and die "expected $token, but the call was answered\n";
    my $fault = $@;
    die $fault unless ref $fault eq 'HASH' && $fault->{token} eq $token;
    return $fault;
}

sub main {
    my $pbx = connection(login());

    # A list comes in pages: "next" goes into "after" of the next call and is absent on the last page.
    my (@queues, $after);
    do {
        my $page = call($pbx, 'queue.list', limit => RPC::XML::int->new(100), defined $after ? (after => text($after)) : ());
        push @queues, @{$page->{items}};
        $after = $page->{next};
    } while (defined $after);

    my $queue  = defined $ENV{PBX_QUEUE} ? decode('UTF-8', $ENV{PBX_QUEUE}) : $queues[0]{name};
    call($pbx, 'queue.update', id => text($queue), title => text(decode('UTF-8', $ENV{PBX_TITLE}))) if defined $ENV{PBX_TITLE};
    my $status = call($pbx, 'queue.status', id => text($queue));    # "id" takes the name as well

    # The first poll only fetches a cursor; the second waits for something to happen after it.
    my $cursor = call($pbx, 'event.poll')->{next};
    my $events = call($pbx, 'event.poll', after => text($cursor), wait_seconds => RPC::XML::int->new($ENV{PBX_WAIT} // 5));
    my @types  = map { $_->{type} } @{$events->{items}};

    my $unknown = expect_fault('not_found', sub { call($pbx, 'queue.status', id => text('no-such-queue')) });
    my $stranger = connection(user => 'no-such-user', password => 'wrong');
    my $refused = expect_fault('unauthenticated', sub { call($stranger, 'queue.list') });

    if (grep { $_ eq '--json' } @ARGV) {
        print JSON::PP->new->utf8->encode({
            client          => 'perl-rpc-xml',
            queues          => [map { my $q = $_; +{map { $_ => $q->{$_} } qw(id name title)} } @queues],
            status          => $status,
            events          => {types => \@types, next => $events->{next}},
            unknown_queue   => $unknown,
            bad_credentials => $refused,
        }), "\n";
        return;
    }
    binmode STDOUT, ':encoding(UTF-8)';
    print "queue $_->{name}: $_->{title}\n" for @queues;
    my $counts = $status->{counts};
    print "$status->{name}: $counts->{waiting} waiting (longest $counts->{longest_wait_seconds} s), ",
        "$counts->{free} of $counts->{members} members free, as of $status->{as_of}", $status->{stale} ? ", STALE\n" : "\n";
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
