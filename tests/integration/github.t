#!/usr/bin/perl
# The GitHub connector against a stateful emulator behind GitHub's own contract (14103),
# and against that contract's examples where the emulator has nothing (14105).
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

my $top = dirname(__FILE__) . "/../..";
my $bascule = $ENV{BASCULE} // "$top/build/bin/bascule";
my $targets = "$top/tests/targets/github-targets.sh";
my $base = ($ENV{BASCULE_TARGETS} // "$top/build/targets") . "/github";
my $dir = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->canonical->allow_nonref;
my $up = 0;
my $leaks = 0;	# texts that hold a secret of their config

plan skip_all => "bascule is not built" unless -x $bascule;
for my $tool (qw(node npm curl openssl)) {
	plan skip_all => "machine: no $tool" if system("command -v $tool >/dev/null 2>&1");
}
system("$targets init 250 >&2") == 0 or plan skip_all => "targets cannot be installed";
$up = 1;
system("$targets start >&2") == 0 or BAIL_OUT("targets do not start");
END { my $rc = $?; system("$targets stop") if $up; $? = $rc; }

sub slurp { my ($f) = @_; open(my $h, '<', $f) or return ""; local $/; return scalar(<$h>) // ""; }
sub spew { my ($f, $text) = @_; open(my $h, '>', $f) or die "$f: $!"; print $h $text; close($h); }

my %emulator = (baseUrl => "http://localhost:14103", org => "acme", auth => "token", token => "ghp_owner",
    includeInvitations => JSON::PP::false, includeOutsideCollaborators => JSON::PP::false);
my %examples = (baseUrl => "http://localhost:14105", org => "github", auth => "token", token => "ghp_owner",
    readRoles => JSON::PP::true, includeFailedInvitations => JSON::PP::true, readTwoFactor => JSON::PP::true);

# Runs a command; the verdict is the last line.
sub invoke {
	my ($command, $config, $input) = @_;

	spew("$dir/config.json", $json->encode($config));
	spew("$dir/input.json", $json->encode($input // {}));
	my $started = time;
	my $rc = system("$bascule invoke github $command --config $dir/config.json --input \@$dir/input.json " .
	    "--verdict --logs --allow-private localhost >$dir/out 2>$dir/err </dev/null");
	my @lines = map { $json->decode($_) } split /\n/, slurp("$dir/out");
	my $all = slurp("$dir/out") . slurp("$dir/err");
	$leaks++ if (defined $config->{token} && index($all, $config->{token}) >= 0) || $all =~ /ghs_\w|PRIVATE KEY|eyJ/;
	my $verdict = @lines && $lines[-1]{type} =~ /^(end|error)$/ ? pop @lines : { data => {} };
	return {
		rc => $rc >> 8, s => time - $started, verdict => $verdict->{data}, end => $verdict->{type} // "",
		out => [ map { $_->{data} } grep { $_->{type} eq "output" } @lines ],
		text => $all,
		message => $verdict->{data}{message} // "",
		cause => $verdict->{data}{cause} // $verdict->{data}{outcome} // "",
	};
}

sub works {
	my ($r, $n, $name) = @_;

	ok($r->{end} eq "end" && $r->{rc} == 0 && (!defined $n || @{ $r->{out} } == $n), $name)
	    or diag($r->{text} =~ s/\n.*\n/\n...\n/sr);
}

sub fails {
	my ($r, $cause, $message, $name) = @_;

	ok($r->{end} eq "error" && $r->{rc} != 0 && $r->{cause} eq $cause && $r->{message} =~ $message, $name)
	    or diag("$r->{cause}: $r->{message}\n" . substr($r->{text}, 0, 600));
}

sub http { my ($args) = @_; return scalar(`curl -s --max-time 10 $args`); }
sub uri { my ($s) = @_; return $s =~ s/([^A-Za-z0-9._~-])/sprintf("%%%02X", ord $1)/ger; }

sub fault {
	my ($port, $path, $status, %o) = @_;
	my $q = "path=" . uri($path) . "&status=$status&times=" . ($o{times} // 1);

	$q .= "&header=" . uri($_) for @{ $o{headers} // [] };
	$q .= "&body=" . uri($o{body}) if defined $o{body};
	http("'http://127.0.0.1:$port/-/fault?$q'");
}
sub reset_faults { http("http://127.0.0.1:$_/-/reset") for 14103, 14105; }
sub requests { my ($which) = @_; return map { $json->decode($_) } split /\n/, slurp("$base/run/requests-$which.log"); }
sub change { my ($op, $attribute, $value) = @_; return { op => $op, attribute => $attribute, value => $value }; }
sub update { my ($config, $id, @changes) = @_;
	return invoke("std:account:update", $config, { identity => $id, changes => \@changes }); }
sub account { my ($config, $id) = @_; return invoke("std:account:read", $config, { identity => $id }); }

http("-X POST -H 'Authorization: Bearer ghp_owner' -d '{\"name\":\"$_\"}' http://127.0.0.1:14101/orgs/acme/teams")
    for "Core Team", "Ops";

subtest "connection" => sub {
	works(invoke("std:test-connection", \%emulator), 1, "an owner's token");
	fails(invoke("std:test-connection", {}), "invalidConfiguration", qr/org is missing/, "no config");
	fails(invoke("std:test-connection", { %emulator, org => "nowhere" }), "invalidConfiguration",
	    qr/no organisation nowhere/, "no such organisation");
	fails(invoke("std:test-connection", { %emulator, token => "ghp_stranger" }), "insufficientPermission",
	    qr/stranger is no active member/, "a token from outside sees public members only");
	works(invoke("std:spec:read", {}), 1, "spec without config");
};

subtest "list and read" => sub {
	my $r = invoke("std:account:list", \%emulator);
	works($r, 250, "every member, over three pages");
	my %by = map { $_->{key}{simple}{id} => $_ } @{ $r->{out} };
	is(scalar(keys %by), 250, "each once");
	is_deeply([ sort grep { $by{$_}{attributes}{role} eq "admin" } keys %by ], [ "user0000", "user0001" ], "roles");
	is_deeply($by{user0007}{attributes}{teams}, ["members"], "teams");
	my $one = account(\%emulator, "user0007");
	works($one, 1, "one is read");
	is_deeply($one->{out}[0], $by{user0007}, "as it was listed");
	fails(account(\%emulator, "nobody"), "notFound", qr/nobody is no account/, "nobody");
	fails(account(\%emulator, "../teams"), "notFound", qr/no account/, "a path as a name");
	fails(invoke("std:account:list", { %emulator, token => "ghp_stranger" }), "insufficientPermission",
	    qr/public members only/, "no partial list for a stranger");
	$r = invoke("std:account:list", { %emulator, readProfiles => JSON::PP::true, readTeams => JSON::PP::false });
	works($r, 250, "with profiles");
	is(scalar(grep { ($_->{attributes}{email} // "") eq "$_->{attributes}{login}\@acme.test" } @{ $r->{out} }), 250,
	    "each its own address");
	ok(!exists $r->{out}[0]{attributes}{teams}, "teams are not read where they are turned off");
	$one = account({ %emulator, readProfiles => JSON::PP::true, readTeams => JSON::PP::false }, "user0007");
	is_deeply($one->{out}[0], (grep { $_->{key}{simple}{id} eq "user0007" } @{ $r->{out} })[0], "and read the same");
};

subtest "entitlements" => sub {
	my $r = invoke("std:entitlement:list", \%emulator, { type => "group" });
	works($r, 3, "teams");
	is_deeply([ sort map { $_->{key}{simple}{id} } @{ $r->{out} } ], [ "core-team", "members", "ops" ], "by slug");
	my $one = invoke("std:entitlement:read", \%emulator, { type => "group", identity => "ops" });
	is_deeply($one->{out}[0], (grep { $_->{key}{simple}{id} eq "ops" } @{ $r->{out} })[0], "one is read as listed");
	is(invoke("std:entitlement:list", \%emulator, { type => "team" })->{out}[0]{type}, "team", "also called team");
	fails(invoke("std:entitlement:read", \%emulator, { type => "group", identity => "x" }), "notFound", qr/no group x/,
	    "no such team");
	fails(invoke("std:entitlement:list", \%emulator, { type => "wing" }), "invalidRequest", qr/"wing"/, "no such type");
	works(invoke("std:entitlement:list", \%emulator, { type => "role" }), 0, "roles are turned off");
};

subtest "update" => sub {
	my $r = update(\%emulator, "user0010", change("Add", "teams", "core-team"));
	works($r, 1, "one team, as a bare string");
	is_deeply($r->{out}[0]{attributes}{teams}, [ "members", "core-team" ], "the whole account comes back");
	is_deeply(account(\%emulator, "user0010")->{out}[0], $r->{out}[0], "as it is read");
	$r = update(\%emulator, "user0010", change("Add", "teams", [ "core-team", "members" ]),
	    change("Set", "role", "member"));
	works($r, 1, "nothing to change");
	is_deeply($r->{out}[0], {}, "is an empty answer");
	$r = update(\%emulator, "user0010", change("Set", "teams", [ "members", "ops" ]), change("Set", "role", "admin"));
	is_deeply([ $r->{out}[0]{attributes}->@{qw(role teams)} ], [ "admin", [ "members", "ops" ] ],
	    "role and teams at once");
	$r = update(\%emulator, "user0010", change("Remove", "teams", "ops"), change("Set", "role", "member"));
	is_deeply([ $r->{out}[0]{attributes}->@{qw(role teams)} ], [ "member", ["members"] ], "and back");
	ok((grep { $_->{status} == 304 && $_->{condition} } requests("emulate")) > 0,
	    "what did not change costs nothing: 304");
	fails(update(\%emulator, "user0010", change("Add", "teams", "nowhere")), "invalidRequest", qr/"nowhere"/,
	    "no such team");
	fails(update(\%emulator, "user0010", change("Set", "email", "x")), "invalidRequest", qr/email/, "no such attribute");
	fails(update(\%emulator, "nobody", change("Set", "role", "admin")), "notFound", qr/nobody/, "nobody");
	fault(14103, "^PUT .*/teams/ops/", 422, body => '{"message":"no seats left"}');
	fails(update(\%emulator, "user0011", change("Add", "teams", [ "core-team", "ops" ]), change("Set", "role", "admin")),
	    "invalidRequest", qr/done: add to team core-team; not done: add to team ops, set role admin: .*no seats left/,
	    "a step that fails: what was done and what was not");
	is_deeply(account(\%emulator, "user0011")->{out}[0]{attributes}{teams}, [ "members", "core-team" ], "which is true");
	fault(14103, "^PUT .*/teams/ops/", 404);
	fails(update(\%emulator, "user0011", change("Add", "teams", "ops")), "upstream", qr/404/,
	    "a 404 of something else does not make the platform create the account");
	reset_faults();
};

subtest "delete" => sub {
	works(invoke("std:account:delete", \%emulator, { identity => "user0249" }), 1, "a member");
	fails(account(\%emulator, "user0249"), "notFound", qr/user0249/, "is gone");
	works(invoke("std:account:list", \%emulator), 249, "from the list too");
	fails(invoke("std:account:delete", \%emulator, { identity => "user0249" }), "notFound", qr/user0249/, "twice");
};

subtest "GitHub App" => sub {
	my %app = (%emulator, auth => "app", appId => "12345", installationId => "777", privateKey => slurp("$base/app.pem"));
	delete $app{token};
	works(invoke("std:test-connection", \%app), 1, "test");
	works(invoke("std:account:list", \%app), 249, "list");
	works(update(\%app, "user0012", change("Add", "teams", "ops")), 1, "update");
	fails(invoke("std:test-connection", { %app, privateKey => slurp("$base/other.pem") }), "insufficientPermission",
	    qr/sign-in as GitHub App 12345/, "another key");
	fails(invoke("std:test-connection", { %app, privateKey => "nonsense" }), "invalidConfiguration", qr/PEM/, "no key");
	fails(invoke("std:account:list", { %app, installationId => "778" }), "insufficientPermission", qr/"Members"/,
	    "an installation that may not read members");
};

subtest "rate limits" => sub {
	my %o = (headers => ["Retry-After: 1"]);
	fault(14103, "/members", 429, %o);
	my $r = invoke("std:account:list", \%emulator);
	works($r, 249, "Retry-After is waited for");
	cmp_ok(abs($r->{s} - 2), "<", 1.5, "a second");
	fault(14103, "/members", 403, headers => [ "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: " . (int(time) + 3) ]);
	$r = invoke("std:account:list", \%emulator);
	works($r, 249, "a spent budget: until its reset");
	cmp_ok($r->{s}, ">=", 2, "not sooner");
	fault(14103, "/members", 403, headers => [ "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1893456000" ]);
	$r = invoke("std:account:list", \%emulator);
	fails($r, "upstream", qr/2030-01-01T00:00:01Z/, "too far off: the error names the time");
	cmp_ok($r->{s}, "<", 10, "at once");
	fault(14103, "/memberships/", 403, body => '{"message":"You have exceeded a secondary rate limit"}');
	$r = account(\%emulator, "user0001");
	fails($r, "upstream", qr/secondary rate limit .*until 20/, "a minute is longer than a read may take: said at once");
	reset_faults();
	fault(14103, "/memberships/", 403, body => '{"message":"Must be an owner"}',
	    headers => ["X-Accepted-GitHub-Permissions: members=read"]);
	fails(account(\%emulator, "user0001"), "insufficientPermission", qr/members=read/, "a refusal is no rate limit");
	fault(14103, "/memberships/", 422, body => '{"message":"ghp_owner is no good"}');
	fails(account(\%emulator, "user0001"), "invalidRequest", qr/is no good/, "a token that comes back");
	reset_faults();
};

subtest "partial never looks complete" => sub {
	fault(14103, "members\\?.*page=2", 500, times => 99);
	fails(invoke("std:account:list", { %emulator, readTeams => JSON::PP::false }), "upstream", qr/status 500/,
	    "a page that never comes");
	reset_faults();
	fault(14103, "GET /orgs/acme/members\\?", 200, body => '[{"login":"user0000","id":3}]', times => 99,
	    headers => ['Link: <http://example.com/orgs/acme/members?page=2>; rel="next"']);
	my $r = invoke("std:account:list", { %emulator, readTeams => JSON::PP::false });
	ok($r->{end} eq "error", "a next page at another host is not followed") or diag($r->{text});
	is(scalar(grep { $_->{host} ne "localhost" } @{ $r->{verdict}{egress} // [] }), 0, "nor contacted");
	reset_faults();
	fault(14103, "GET /orgs/acme/members\\?", 200, body => '{"login":"user0000"}', times => 99);
	fails(invoke("std:account:list", { %emulator, readTeams => JSON::PP::false }), "invalidResponse", qr/./,
	    "an answer of another shape");
	reset_faults();
};

subtest "invitations, outside collaborators, organisation roles" => sub {
	my $r = invoke("std:account:list", \%examples);
	works($r, undef, "list");
	my %types;
	push @{ $types{ $_->{attributes}{type} } }, $_ for @{ $r->{out} };
	is_deeply([ sort keys %types ], [ "invited", "member", "outside" ], "all three types");
	my $invited = $types{invited}[0];
	like($invited->{key}{simple}{id}, qr/^invitation:\d+$/, "an invitation's id");
	my $one = account(\%examples, $invited->{key}{simple}{id});
	is_deeply($one->{out}[0], $invited, "is read as listed") or diag($one->{text});
	ok(defined $types{member}[0]{attributes}{twoFactorDisabled}, "two-factor state");
	is_deeply($types{member}[0]{attributes}{roles}, invoke("std:entitlement:list", \%examples, { type => "role" })->{out}
	    ? [ map { $_->{key}{simple}{id} } @{ invoke("std:entitlement:list", \%examples, { type => "role" })->{out} } ]
	    : [], "roles by id");
	works(invoke("std:entitlement:read", \%examples, { type => "role", identity => "8030" }), 1, "a role");
	works(invoke("std:test-connection", \%examples), 1, "test reads every list that is turned on");
	works(invoke("std:account:delete", \%examples, { identity => "invitation:42" }), 1, "an invitation is cancelled");
	is((requests("mock"))[-1]{path}, "/orgs/github/invitations/42", "by its number");
	fault(14105, "^GET .*/memberships/octocat", 404);
	works(invoke("std:account:delete", \%examples, { identity => "octocat" }), 1, "an outside collaborator");
	is((requests("mock"))[-1]{path}, "/orgs/github/outside_collaborators/octocat", "is removed as one");
	fails(update(\%examples, $invited->{key}{simple}{id}, change("Set", "role", "admin")), "invalidRequest", qr/accepted/,
	    "an invitation cannot be changed");
	my ($role) = map { $_->{key}{simple}{id} } @{ invoke("std:entitlement:list", \%examples, { type => "role" })->{out} };
	works(update(\%examples, "octocat", change("Remove", "roles", $role)), 1, "a role is taken");
	is(scalar(grep { $_->{method} eq "DELETE" && $_->{path} eq "/orgs/github/organization-roles/users/octocat/$role" }
	    requests("mock")), 1, "from this user");
	reset_faults();
};

subtest "create" => sub {
	my $r = invoke("std:account:create", \%examples, { attributes => { email => 'a@b.test', role => "admin",
	    teams => "justice-league" } });
	works($r, 1, "by address");
	is_deeply([ $r->{out}[0]{attributes}->@{qw(type teams)} ], [ "invited", ["justice-league"] ], "an invited account");
	my ($sent) = grep { $_->{method} eq "POST" } reverse requests("mock");
	is_deeply($json->decode($sent->{body}), { email => 'a@b.test', role => "admin", team_ids => [1] }, "what was sent");
	fails(invoke("std:account:create", \%examples, { attributes => { login => "octocat" } }), "invalidRequest",
	    qr/member of github already/, "a member already");
	fault(14105, "^GET .*/memberships/octocat", 404);
	$r = invoke("std:account:create", \%examples, { attributes => { login => "octocat", roles => ["8030"] } });
	works($r, 1, "by login");
	is($r->{out}[0]{results}[0]{status}, "error", "says that roles must wait");
	($sent) = grep { $_->{method} eq "POST" } reverse requests("mock");
	is_deeply($json->decode($sent->{body}), { invitee_id => 1, role => "direct_member" }, "the login's number is sent");
	fails(invoke("std:account:create", \%examples, { attributes => { role => "member" } }), "invalidRequest",
	    qr/login or attributes.email/, "nobody to invite");
	fails(invoke("std:account:create", \%examples, { attributes => { email => "x", role => "owner" } }), "invalidRequest",
	    qr/"owner"/, "no such role");
	reset_faults();
};

subtest "GitHub's contract" => sub {
	http("-X PUT -H 'Content-Type: application/json' -H 'Authorization: Bearer ghp_owner' -d '{\"role\":\"owner\"}' " .
	    "http://127.0.0.1:14103/orgs/acme/memberships/user0001");
	cmp_ok(scalar(grep { $_->{agent} =~ /^curl/ && @{ $_->{request} } } requests("emulate")), ">", 0,
	    "a breach is noticed");
	for my $which (qw(emulate mock)) {
		my @all = grep { $_->{agent} !~ /^curl/ } requests($which);
		my @breaches = map { my $r = $_; map { "$r->{method} $r->{path}: $_" } @{ $r->{request} } } @all;
		cmp_ok(scalar(@all), ">", 20, "$which: requests were judged (" . scalar(@all) . ")");
		is(scalar(@breaches), 0, "$which: none breaks the contract") or diag(join "\n", @breaches);
		is(scalar(grep { $_->{accept} ne "application/vnd.github+json" || $_->{version} ne "2022-11-28" ||
		    $_->{agent} !~ /^bascule/ || $_->{authorization} ne "Bearer" } @all), 0, "$which: headers");
	}
};

is($leaks, 0, "no token, key or signed claim in any result, log or error");
done_testing();
