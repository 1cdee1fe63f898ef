#!/usr/bin/perl
# The SCIM connector in bad weather: each kind ends in all the right records, or in an error with the right cause.
# A clean end with anything else is what must never be: the accounts left out would be taken for deleted.
use strict;
use warnings;
use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);
use support;

my $users = 1000;
my $port = free_port();
my $config = { baseUrl => "http://localhost:$port/scim/v2", token => 'practice', pageSize => 100 };
my $oauth = { baseUrl => $config->{baseUrl}, pageSize => 100, authKind => 'oauth2',
	tokenUrl => "http://localhost:$port/oauth/token", clientId => 'practice', clientSecret => 'practice-secret' };

sub in_weather {
	my ($weather) = @_;
	start('practice', qr/^practice source/m, {}, bascule(), 'practice', '--port', $port, '--users', $users, '--groups',
	    20, '--die-with-parent', $weather ? ('--weather', $weather) : ());
}

# What was listed, in order, without the verdict: two complete lists are the same bytes.
sub outputs {
	my ($r) = @_;
	return join('', grep { /"type":"output"\}$/ } split(/^/, slurp($r->{out})));
}

in_weather('');
my $clear = invoke($config, 'std:account:list');
is($clear->{exit}, 0, 'clear weather') or diag($clear->{err});
is($clear->{records}, $users, "$users accounts");
my $right = outputs($clear);
my %ids = map { $_ => 1 } $right =~ /"key":\{"simple":\{"id":"([^"]+)"\}\}/g;
is(scalar keys %ids, $users, 'each once');

subtest 'membership told from either side' => sub {
	my $groups = sub {
		my ($r) = @_;
		return { map { $_->{key}{simple}{id} => [sort @{$_->{attributes}{groups}}] }
		    map { decode_json($_)->{data} } split(/^/, outputs($r)) };
	};
	my $own = $groups->($clear);
	is_deeply($groups->(invoke({ %$config, groupsFrom => $_ }, 'std:account:list')), $own, "groups from $_")
	    for qw(list each);
	my $schema = { attributes => [map { { name => $_ } } qw(id userName email groups)] };
	my $r = invoke({ %$config, limitAttributes => JSON::PP::true }, 'std:account:list', { schema => $schema });
	is_deeply($groups->($r), $own, 'asked for wanted attributes only');
	is_deeply([sort keys %{$r->{output}{attributes}}], [qw(email groups id userName)], 'and only these are shown');
};
stop('practice');

# exit 0: complete; else the exit status and the cause of the verdict.  Where "or" stands, both will do: whether a
# page of nonsense is asked for again is a matter of policy, that it is not taken for the end is not.
my @rows = (
	['latency=20', 0], ['429=4', 0], ['429date=5', 0], ['5xx=5', 0], ['reset=4', 0], ['short=4', 0],
	['content-type', 0], ['badtype', 0], ['slow-drip=400000', 0], ['loop-cursor=3', 0], ['cross-origin', 0],
	['429=3,5xx=7,reset=5', 0],
	['html=4', 'or', 'invalidResponse'], ['truncate=4', 'or', qr/^(invalidResponse|upstream)$/],
	['total-low=7', 'or', 'invalidResponse'], ['total-high=7', 69, 'invalidResponse'],
	['total-low=100', 69, 'invalidResponse'], ['dup-page=3', 69, 'invalidResponse'], ['dup-page=9', 69, 'invalidResponse'],
	['empty-page=3', 69, 'invalidResponse'], ['empty-page=10', 69, 'invalidResponse'],
	['html=1', 69, 'invalidResponse'], ['truncate=1', 69, qr/^(invalidResponse|upstream)$/],
	['short=1', 69, qr/^(invalidResponse|upstream)$/], ['reset=1', 69, qr/^(invalidResponse|upstream)$/],
	['5xx=1', 69, 'upstream'], ['429=1', 69, 'upstream'], ['401-once', 77, 'insufficientPermission'],
	['hang=4', 75, 'deadline', '--timeout=4s'],
);
for my $row (@rows) {
	my ($weather, $exit, $cause, @more) = @$row;
	subtest $weather => sub {
		in_weather($weather);
		my $began = time();
		my $r = invoke($config, 'std:account:list', {}, @more);
		note(sprintf('%s: exit %d, %d records, %.1f s %s', $weather, $r->{exit}, $r->{records}, time() - $began,
		    $r->{err}));
		ok($r->{exit} != 0 || outputs($r) eq $right, 'no clean end without all the right records');
		$exit = $r->{exit} == 0 ? 0 : 69 if $exit eq 'or';
		is($r->{exit}, $exit, "exit status $exit") or diag($r->{err});
		is($r->{last}, $exit == 0 ? 'end' : 'error', 'the verdict agrees');
		like($r->{verdict}{cause}, ref $cause ? $cause : qr/^\Q$cause\E$/, 'the cause') if $exit != 0;
		stop('practice');
	};
}

for my $weather ('expire=1,slow-drip=300000', 'expire-after=5', 'expire-after=3,5xx=6') {
	subtest "$weather, with client credentials" => sub {
		in_weather($weather);
		my $r = invoke($oauth, 'std:account:list');
		is($r->{exit}, 0, 'tokens are renewed') or diag($r->{err});
		ok(outputs($r) eq $right, 'all the right records');
		stop('practice');
	};
}

# A write whose answer is lost may have happened: it is not sent again, and never counts as done.
for my $weather ('reset=1', 'short=1', '5xx=1') {
	subtest "create in $weather" => sub {
		in_weather($weather);
		my $r = invoke($config, 'std:account:create', { attributes => { userName => 'stormy', email => 's@example.com' } });
		isnt($r->{exit}, 0, 'is not said to be done');
		isnt($r->{verdict}{cause}, 'notFound', 'nor to be no account');
		send_json($port, 'DELETE', '/weather', 'practice');
		$r = invoke({ %$config, userFilter => 'userName eq "stormy"' }, 'std:account:list');
		is($r->{exit}, 0, 'looked up in clear weather') or diag($r->{err});
		cmp_ok($r->{records}, '<=', 1, 'made once at most');
		stop('practice');
	};
}

subtest 'writes that are refused for the moment' => sub {
	in_weather('429=2');
	my ($id) = sort keys %ids;
	my $r = invoke($config, 'std:account:update', { identity => $id,
	    changes => [{ op => 'Set', attribute => 'title', value => 'Forecaster' }] });
	is($r->{exit}, 0, 'are sent again') or diag($r->{err});
	is($r->{output}{attributes}{title}, 'Forecaster', 'and done');
	$r = invoke($config, 'std:account:disable', { identity => $id });
	ok($r->{output}{disabled}, 'disabled') or diag($r->{err});
	stop('practice');
};

done_testing();
