# fixture.pm -- a server that answers from a list of exchanges and says where a request was not the one that was written down.
package fixture;
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Exporter qw(import);
our @EXPORT = qw(fixtures_begin server_url exchange_play differs);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $listen;

sub fixtures_begin {
	$listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64) or die "listen: $!";
	return server_url();
}
sub server_url { return 'http://localhost:' . $listen->sockport }

# Is this scalar what was wanted?  '***': anything but nothing; '~RE': text that fits; else the same, of the same type
# but in queries, forms and headers, which have no types.
sub scalar_fits {
	my ($got, $want, $typed) = @_;
	return !defined $got if !defined $want;
	return 0 if !defined $got || ref $got eq 'HASH' || ref $got eq 'ARRAY';
	return $json->encode($got) eq $json->encode($want) if $typed && (ref $want || $want !~ /^(\*\*\*$|~)/);
	return length("$got") > 0 if $want eq '***';
	return "$got" =~ /$1/ if $want =~ /^~(.*)$/s;
	return "$got" eq "$want";
}

# What is different, '' if nothing.  part: members that are not wanted may be there.
sub differs {
	my ($got, $want, $part, $at) = @_;
	$at //= '';
	if (ref $want eq 'HASH') {
		return "$at: no object but " . ($json->encode($got)) if ref $got ne 'HASH';
		for my $k (sort keys %$want) {
			next if !defined $want->{$k} && !exists $got->{$k};
			my $d = differs($got->{$k}, $want->{$k}, $part, "$at/$k");
			return $d if $d;
		}
		my @more = grep { !exists $want->{$_} } sort keys %$got;
		return !$part && @more ? "$at: there is more: @more" : '';
	}
	if (ref $want eq 'ARRAY') {
		return "$at: no array but " . ($json->encode($got)) if ref $got ne 'ARRAY';
		return "$at: " . @$got . ' elements, ' . @$want . ' wanted: ' . $json->encode($got) if @$got != @$want;
		for my $i (0 .. $#$want) {
			my $d = differs($got->[$i], $want->[$i], $part, "$at/$i");
			return $d if $d;
		}
		return '';
	}
	return '' if scalar_fits($got, $want, $at !~ /^(query|form)/);
	return "$at: " . ($json->encode($got)) . ', wanted ' . $json->encode($want);
}

sub decoded {
	my ($s) = @_;
	$s =~ tr/+/ /;
	$s =~ s/%([0-9A-Fa-f]{2})/chr(hex($1))/ge;
	return $s;
}

# 'a=b&c=d' as an object; a name that comes again makes a list.
sub pairs {
	my %o;
	for my $pair (split(/&/, $_[0])) {
		my ($n, $v) = map { decoded($_) } split(/=/, $pair, 2);
		$v //= '';
		$o{$n} = !exists $o{$n} ? $v : ref $o{$n} ? [@{$o{$n}}, $v] : [$o{$n}, $v];
	}
	return \%o;
}

sub request_differs {
	my ($rq, $want) = @_;
	return "$rq->{method}, wanted $want->{method}" if $rq->{method} ne $want->{method};
	return "path $rq->{path}, wanted $want->{path}" if $rq->{path} ne $want->{path};
	my $d = differs(pairs($rq->{query}), $want->{query} // {}, 0, 'query');
	return $d if $d;
	for my $h (sort keys %{$want->{headers} // {}}) {
		$d = scalar_fits($rq->{headers}{lc $h}, $want->{headers}{$h}) ? '' :
		    "header $h: " . ($rq->{headers}{lc $h} // 'missing') . ', wanted ' . ($want->{headers}{$h} // 'none');
		return $d if $d;
	}
	if (exists $want->{json}) {
		my $body = eval { $json->decode($rq->{body}) };
		return "body: no JSON: $rq->{body}" if $@;
		return differs($body, $want->{json}, 0, 'json');
	}
	return differs(pairs($rq->{body}), $want->{form}, 0, 'form') if exists $want->{form};
	return $rq->{body} eq '' ? '' : "body: none is wanted: $rq->{body}";
}

sub request_read {
	my ($s) = @_;
	my $line = <$s> // return;
	my ($method, $path, $query) = $line =~ m{^(\S+) ([^ ?]*)(?:\?(\S*))? HTTP} or return;
	my %headers;
	while (my $h = <$s>) {
		$h =~ s/\r?\n$//;
		last if $h eq '';
		my ($n, $v) = split(/:\s*/, $h, 2);
		$headers{lc $n} = $v;
	}
	my $body = '';
	read($s, $body, $headers{'content-length'}) if $headers{'content-length'};
	return { method => $method, path => $path, query => $query // '', headers => \%headers, body => $body };
}

sub response_print {
	my ($s, $rs) = @_;
	my $text = exists $rs->{json} ? $json->encode($rs->{json}) : $rs->{text} // '';
	my $type = exists $rs->{json} ? "Content-Type: application/json\r\n" : '';
	print $s "HTTP/1.1 $rs->{status} X\r\nConnection: close\r\n$type";
	print $s "$_: $rs->{headers}{$_}\r\n" for sort keys %{$rs->{headers} // {}};
	print $s $rs->{status} == 204 ? "\r\n" : 'Content-Length: ' . length($text) . "\r\n\r\n$text";
	close($s);
}

# The first that was not used yet, or any of them, that fits; undef and why.
sub exchange_for {
	my ($rq, $exchanges, $used, $any) = @_;
	my $why = 'no further request is wanted';
	for my $i (0 .. $#$exchanges) {
		next if $used->[$i];
		my $d = request_differs($rq, $exchanges->[$i]{request});
		if (!$d) {
			$used->[$i] = 1;
			return ($exchanges->[$i]{response}, '');
		}
		$why = "request $i: $d";
		last if !$any;
	}
	return (undef, "$rq->{method} $rq->{path}?$rq->{query}: $why");
}

sub serve {
	my ($exchanges, $any, $report) = @_;
	my @used;
	my $tell = sub {
		my ($why) = @_;
		open(my $fh, '>>', $report) or POSIX::_exit(1);
		print $fh $json->encode({ why => $why, left => scalar(@$exchanges) - scalar(grep { $_ } @used) }), "\n";
		close($fh);
	};
	$tell->('');
	while (my $s = $listen->accept) {
		my $rq = request_read($s) or next;
		my ($rs, $why) = exchange_for($rq, $exchanges, \@used, $any);
		$tell->($why);
		response_print($s, $rs // { status => 418, json => { fixture => $why } });
	}
	POSIX::_exit(0);
}

# Runs what it is given against the exchanges; what went wrong with them, '' if nothing.
sub exchange_play {
	my ($exchanges, $any, $report, $run) = @_;
	unlink($report);
	my $pid = fork() // die "fork: $!";
	serve($exchanges, $any, $report) if $pid == 0;
	$run->();
	kill('KILL', $pid);
	waitpid($pid, 0);
	open(my $fh, '<', $report) or return @$exchanges ? 'nothing was asked' : '';
	my ($left, $why) = (scalar @$exchanges, '');
	while (my $line = <$fh>) {
		my $r = $json->decode($line);
		$why ||= $r->{why};
		$left = $r->{left};
	}
	return $why || ($left > 0 ? "$left of the exchanges did not come" : '');
}

1;
