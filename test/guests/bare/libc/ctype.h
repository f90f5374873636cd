/* SPDX-License-Identifier: MIT */
/* As much of ctype.h as ../font.c needs; a freestanding compiler has none. */
#ifndef BARE_CTYPE_H
#define BARE_CTYPE_H

static inline int toupper(int c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

#endif
