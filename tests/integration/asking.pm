# asking.pm -- what tests of the server share: one server at a unix socket, and curl in the background.
package asking;
use strict;
use warnings;
use support;
use JSON::PP;
use Time::HiRes qw(sleep);
use Exporter qw(import);
our @EXPORT = qw(until_true server crash begin result curl row state_is head log_of hostile);

my ($socket, $log, %env);
my $work = scratch();
my $calls = 0;

sub until_true { my ($is) = @_; for (1 .. 100) { return 1 if $is->(); sleep(0.1) } return 0 }

# The hostile connector under this name; false if it is not built.
sub hostile {
	my ($name, $build) = @_;
	mkdir("$work/c");
	mkdir("$work/c/$name");
	%env = (BASCULE_CONNECTORS => "$work/c:$build/connectors");
	return system('cp', "$build/tests/evil/evil/evil", "$work/c/$name/$name") == 0
	    && system('cp', "$build/tests/evil/evil/connector-spec.json", "$work/c/$name/") == 0;
}

sub server {
	my ($as, @options) = @_;
	my $places = 1 + grep { $_ eq '--listen' } @options;
	$socket = "$work/$as.socket";
	unlink($socket);
	$log = start($as, qr/("event":"listening".*\n){$places}/, \%env, bascule(), 'serve', '--listen', "unix:$socket",
	    '--parked-max', 0, '--allow-private', 'localhost', '--allow-private', '127.0.0.1', @options);
}
sub log_of { return slurp($log) }

# As a machine would that loses its power: nothing of the server's is told.
sub crash {
	my ($as) = @_;
	kill('KILL', pid_of($as));
	stop($as);
}

# One curl in the background; a path is asked for at the socket, a whole address where it says.
sub begin {
	my ($method, $path, $body, @more) = @_;
	my $n = ++$calls;
	my @body = defined $body ? ('-H', 'Content-Type: application/json', '--data-binary', '@' . spill("body.$n", $body)) : ();
	my @to = $path =~ /^http/ ? ($path) : ('--unix-socket', $socket, "http://localhost$path");
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', "$work/code.$n");
		open(STDERR, '>', "$work/err.$n");
		exec('curl', '-sS', '-m', 30, '-X', $method, '-D', "$work/head.$n", '-o', "$work/out.$n", '-w', '%{http_code}',
		    @body, @more, @to) or POSIX::_exit(127);
	}
	return { n => $n, pid => $pid };
}
sub result {
	my ($r) = @_;
	waitpid($r->{pid}, 0);
	@$r{qw(rc code head body)} = ($? >> 8, map { slurp("$work/$_.$r->{n}") } qw(code head out));
	$r->{json} = eval { decode_json($r->{body}) } // {};
	return $r;
}
sub curl { return result(begin(@_)) }
sub row { return curl('GET', "/v1/invocations/$_[0]")->{json} }
sub state_is { my ($id, $s) = @_; return until_true(sub { (row($id)->{state} // '') eq $s }) }
sub head { my ($r, $h) = @_; return $r->{head} =~ /^\Q$h\E: (.*?)\r$/mi ? $1 : undef }

1;
