/*
 * crew.c -- a pool of threads that grows with the work and shrinks without it.
 */
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "launcher/broker/crew.h"
#include "worker/contract/util.h"

struct fifo {
	struct job	*first, **last;
	size_t		 n;
};

static struct {
	pthread_mutex_t	lock;
	pthread_cond_t	work;
	struct fifo	waiting, done;
	size_t		threads, idle;
	int		done_fd;
} crew = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .done_fd = -1 };

static void
fifo_put(struct fifo *f, struct job *j)
{
	j->next = NULL;
	*f->last = j;
	f->last = &j->next;
	f->n++;
}

static struct job *
fifo_take(struct fifo *f)
{
	struct job	*j = f->first;

	if (j == NULL)
		return NULL;
	if ((f->first = j->next) == NULL)
		f->last = &f->first;
	f->n--;
	return j;
}

/* With the lock held; NULL when there was nothing to do for CREW_IDLE_S. */
static struct job *
work_wait(void)
{
	struct timespec	 until;
	struct job	*j;
	int		 err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CREW_IDLE_S;
	crew.idle++;
	while ((j = fifo_take(&crew.waiting)) == NULL && err == 0)
		err = pthread_cond_timedwait(&crew.work, &crew.lock, &until);
	crew.idle--;
	return j;
}

static void *
thread_main(void *arg)
{
	struct job	*j;
	uint64_t	 one = 1;

	(void)arg;
	pthread_mutex_lock(&crew.lock);
	while ((j = work_wait()) != NULL) {
		pthread_mutex_unlock(&crew.lock);
		dial_run(&j->dial);
		pthread_mutex_lock(&crew.lock);
		fifo_put(&crew.done, j);
		(void)!write(crew.done_fd, &one, sizeof(one));
	}
	crew.threads--;
	pthread_mutex_unlock(&crew.lock);
	return NULL;
}

static int
thread_start(void)
{
	pthread_attr_t	attr;
	pthread_t	t;
	int		err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CREW_STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&t, &attr, thread_main, NULL);
	pthread_attr_destroy(&attr);
	if (err == 0)
		crew.threads++;
	return err == 0 ? 0 : -1;
}

int
crew_start(int *done_fd)
{
	crew.waiting.last = &crew.waiting.first;
	crew.done.last = &crew.done.first;
	if ((crew.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		return -1;
	*done_fd = crew.done_fd;
	return 0;
}

/* With the lock held: is there, or comes, a thread for one more job? */
static bool
hands_for_one_more(void)
{
	if (crew.waiting.n >= CREW_WAITING_MAX)
		return false;
	/* A job that waits will take an idle thread: count it against them. */
	if (crew.waiting.n >= crew.idle && crew.threads < CREW_THREADS_MAX)
		(void)thread_start();
	return crew.threads > 0;
}

int
crew_submit(struct job *j)
{
	bool	ok;

	pthread_mutex_lock(&crew.lock);
	if ((ok = hands_for_one_more())) {
		fifo_put(&crew.waiting, j);
		pthread_cond_signal(&crew.work);
	}
	pthread_mutex_unlock(&crew.lock);
	return ok ? 0 : -1;
}

struct job *
crew_done(void)
{
	struct job	*j;
	uint64_t	 n;

	pthread_mutex_lock(&crew.lock);
	if (crew.done.n <= 1)
		(void)!read(crew.done_fd, &n, sizeof(n));
	j = fifo_take(&crew.done);
	pthread_mutex_unlock(&crew.lock);
	return j;
}

void
job_free(struct job *j)
{
	fd_closep(&j->dial.fd);
	explicit_bzero(j, sizeof(*j));
	free(j);
}
