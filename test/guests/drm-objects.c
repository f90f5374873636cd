// SPDX-License-Identifier: MIT
/*
 * Counts what a kernel keeps and shows nobody, for whoever looks for leaks:
 *
 *	drm-objects CARD PID
 *
 * Prints three numbers: the property blobs of the card, whoever made them, and
 * the dumb buffers and the imported ones that the process has handles of. Takes
 * from nobody what it counts: blobs may be read by anybody, and a handle that
 * is asked for its place to be mapped at answers for itself (drm_gem.c,
 * drm_gem_dumb_map_offset): 0 a dumb buffer, EINVAL an imported one, ENOENT no
 * such handle. Both kinds of numbers are given out from 1 on, the lowest that
 *is free, so that a leak cannot hide behind the last that is asked for.
 */
#include <dirent.h>
#include <drm.h>
#include <drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LAST_BLOB = 8192, LAST_HANDLE = 2048 };

struct counts {
	unsigned int blobs, dumb, imported;
};

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "drm-objects: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void count_blobs(int card, struct counts *counts)
{
	for (uint32_t id = 1; id <= LAST_BLOB; id++) {
		struct drm_mode_get_blob blob = { .blob_id = id };
		if (ioctl(card, DRM_IOCTL_MODE_GETPROPBLOB, &blob) == 0)
			counts->blobs++;
		else if (errno != ENOENT)
			fail("DRM_IOCTL_MODE_GETPROPBLOB");
	}
}

static void count_handles(int file, struct counts *counts)
{
	for (uint32_t handle = 1; handle <= LAST_HANDLE; handle++) {
		struct drm_mode_map_dumb map = { .handle = handle };
		if (ioctl(file, DRM_IOCTL_MODE_MAP_DUMB, &map) == 0)
			counts->dumb++;
		else if (errno == EINVAL)
			counts->imported++;
		else if (errno != ENOENT)
			fail("DRM_IOCTL_MODE_MAP_DUMB");
	}
}

/* By every descriptor of a process that is this card: two of one file count all
 * of it twice. */
static void count_files(int pid, dev_t card, struct counts *counts)
{
	char path[64];
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process < 0)
		fail("pidfd_open");
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *folder = opendir(path);
	if (!folder)
		fail(path);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		struct stat about;
		if (fstatat(dirfd(folder), entry->d_name, &about, 0) < 0 ||
		    !S_ISCHR(about.st_mode) || about.st_rdev != card)
			continue;
		int file = (int)syscall(SYS_pidfd_getfd, process,
					atoi(entry->d_name), 0);
		if (file < 0 && errno == EBADF)
			continue; // closed meanwhile
		if (file < 0)
			fail("pidfd_getfd");
		count_handles(file, counts);
		close(file);
	}
	closedir(folder);
	close(process);
}

int main(int argc, char **argv)
{
	struct counts counts = { 0, 0, 0 };
	struct stat about;

	if (argc != 3) {
		fprintf(stderr, "usage: drm-objects CARD PID\n");
		return 2;
	}
	int card = open(argv[1], O_RDWR | O_CLOEXEC);
	if (card < 0 || fstat(card, &about) < 0)
		fail(argv[1]);
	count_blobs(card, &counts);
	close(card);
	count_files(atoi(argv[2]), about.st_rdev, &counts);
	printf("%u %u %u\n", counts.blobs, counts.dumb, counts.imported);
	return 0;
}
