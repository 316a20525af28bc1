/*
 * Lets User-Mode Linux 6.1 run on processors with AMX.
 *
 * UML sets a process's floating-point registers by ptrace with room for AVX-512 (2,696 bytes). The
 * kernel takes only the whole state, which is 11,008 bytes with AMX, and refuses anything shorter
 * (EFAULT), upon which UML's first process dies. Preloaded, this makes the state whole: what UML
 * does not know of stays at zero, its initial value; guests never get to use it, since UML knows
 * no system call that would allow it. On other processors nothing changes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

typedef long (*ptrace_function)(enum __ptrace_request, ...);

#define XSTATE ((void *)NT_X86_XSTATE)

static long set_whole(ptrace_function next, void *process, const struct iovec *part)
{
	static char state[1 << 16] __attribute__((aligned(64)));
	static size_t size;
	struct iovec whole = {state, sizeof state};

	if (size == 0) {
		if (next(PTRACE_GETREGSET, process, XSTATE, &whole) < 0)
			return -1;
		size = whole.iov_len;
		memset(state, 0, sizeof state);
	}
	memcpy(state, part->iov_base, part->iov_len < size ? part->iov_len : size);
	whole.iov_len = size;
	return next(PTRACE_SETREGSET, process, XSTATE, &whole);
}

/* Replaces the C library's. Its arguments are a process id and two words, whatever the request. */
long ptrace(enum __ptrace_request request, ...)
{
	static ptrace_function next;
	va_list arguments;
	void *process, *address, *data;

	va_start(arguments, request);
	process = va_arg(arguments, void *);
	address = va_arg(arguments, void *);
	data = va_arg(arguments, void *);
	va_end(arguments);
	if (next == NULL)
		next = (ptrace_function)dlsym(RTLD_NEXT, "ptrace");
	if (request == PTRACE_SETREGSET && address == XSTATE)
		return set_whole(next, process, data);
	return next(request, process, address, data);
}
