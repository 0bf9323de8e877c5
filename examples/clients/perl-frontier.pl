#!/usr/bin/perl
# pbxd over XML-RPC with Frontier::Client (Debian: libfrontier-rpc-perl).
#     PBX_URL=http://127.0.0.1:8080 PBX_USER=... PBX_PASSWORD=... ./perl-frontier.pl [--json]
# PBX_TOKEN=... in place of user and password sends "Authorization: Bearer".
# PBX_QUEUE names the queue to read (the first one), PBX_TITLE renames it before (role admin).
use strict;
use warnings;
use utf8;
use Encode qw(decode encode);
use Frontier::Client;
use JSON::PP;

(my $url = $ENV{PBX_URL} || 'http://127.0.0.1:8080') =~ s{/+$}{};
$url .= '/RPC2';

sub connection {
    my (%login) = @_;
    my $client = Frontier::Client->new(url => $url, encoding => 'UTF-8');
    $client->{ua}->timeout(40);    # event.poll waits up to 30 s
    # Frontier itself knows no credentials (but those in the URL, which end up in logs): they go into its request.
    if   ($login{token}) { $client->{rq}->header(Authorization => "Bearer $login{token}") }
    else                 { $client->{rq}->authorization_basic($login{user}, $login{password}) }
    return $client;
}

sub login {
    return (token => $ENV{PBX_TOKEN}) if $ENV{PBX_TOKEN};
    for (qw(PBX_USER PBX_PASSWORD)) { die "$_ is not set (or set PBX_TOKEN)\n" unless defined $ENV{$_} }
    return (user => $ENV{PBX_USER}, password => $ENV{PBX_PASSWORD});    # %ENV holds bytes: UTF-8 stays UTF-8
}

# A plain scalar that looks like a number would be sent as an int, and an emoji in it would end in "wide character":
# text goes as a String object, already encoded.
sub text { return Frontier::RPC2::String->new(encode('UTF-8', $_[0])) }

# An operation takes one struct of named parameters and answers one struct.
# Dies with a hash (code, token, message) for a fault. Decide by token or code, show the message to people.
sub call {
    my ($client, $method, %params) = @_;
    my $answer = eval { $client->call($method, %params ? \%params : ()) };
    if (!defined $answer) {
        # Frontier dies with one text; faultString within it is "token: text [request ID]".
        die {code => $1 + 0, token => $2, message => $3}
            if $@ =~ /^Fault returned from XML RPC Server, fault code (-?\d+): (\w+): (.*)\n\z/s;
        die "$url: $@";
    }
    return plain($answer);
}

# Booleans come as objects, which are always true in Perl.
sub plain {
    my ($value) = @_;
    return {map { $_ => plain($value->{$_}) } keys %$value} if ref $value eq 'HASH';
    return [map { plain($_) } @$value] if ref $value eq 'ARRAY';
    return $value->value ? JSON::PP::true : JSON::PP::false if ref $value eq 'Frontier::RPC2::Boolean';
    return $value;
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
        my $page = call($pbx, 'queue.list', limit => 100, defined $after ? (after => text($after)) : ());
        push @queues, @{$page->{items}};
        $after = $page->{next};
    } while (defined $after);

    my $queue  = defined $ENV{PBX_QUEUE} ? decode('UTF-8', $ENV{PBX_QUEUE}) : $queues[0]{name};
    call($pbx, 'queue.update', id => text($queue), title => text(decode('UTF-8', $ENV{PBX_TITLE}))) if defined $ENV{PBX_TITLE};
    my $status = call($pbx, 'queue.status', id => text($queue));    # "id" takes the name as well

    # The first poll only fetches a cursor; the second waits for something to happen after it.
    my $cursor = call($pbx, 'event.poll')->{next};
    my $events = call($pbx, 'event.poll', after => text($cursor), wait_seconds => $ENV{PBX_WAIT} // 5);
    my @types  = map { $_->{type} } @{$events->{items}};

    my $unknown = expect_fault('not_found', sub { call($pbx, 'queue.status', id => text('no-such-queue')) });
    my $stranger = connection(user => 'no-such-user', password => 'wrong');
    my $refused = expect_fault('unauthenticated', sub { call($stranger, 'queue.list') });

    if (grep { $_ eq '--json' } @ARGV) {
        # Numbers come as text; the program that knows which are numbers adds 0.
        print JSON::PP->new->utf8->encode({
            client          => 'perl-frontier',
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
