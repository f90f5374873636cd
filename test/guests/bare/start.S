/* SPDX-License-Identifier: MIT */
/*
 * Multiboot header and entry (Multiboot 0.6.96, 3.1 and 3.2), segments, and
 * the first instructions of every exception and interrupt.
 */

	.set MAGIC, 0x1badb002
	.set FLAGS, 3		/* page alignment, memory information */
	.set CODE, 8
	.set DATA, 16
	.set EXCEPTIONS, 32
	.set IRQS, 16
	.set STUB_SIZE, 16	/* irq.c counts on it */

	.section .multiboot, "a"
	.align 4
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)

	.text
	.globl start
start:
	cli
	cld
	mov $stack_top, %esp
	/* The loader's segments work, but iret needs a table to load CS from. */
	lgdt gdt_pointer
	ljmp $CODE, $1f
1:	mov $DATA, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	mov %ecx, %fs
	mov %ecx, %gs
	mov %ecx, %ss
	push %ebx		/* information */
	push %eax		/* magic */
	call bare_main
2:	cli
	hlt
	jmp 2b

	.balign STUB_SIZE
	.globl irq_stubs
irq_stubs:
	.set vector, 0
	.rept EXCEPTIONS
	.balign STUB_SIZE
	push $vector
	jmp exception
	.set vector, vector + 1
	.endr
	.rept IRQS
	.balign STUB_SIZE
	push $(vector - EXCEPTIONS)
	jmp interrupt
	.set vector, vector + 1
	.endr

	/* irq_exception(vector, top of the stack: error code or EIP, next) */
exception:
	call irq_exception

interrupt:
	pusha
	cld
	push 32(%esp)		/* the number below the eight registers */
	call irq_interrupt
	add $4, %esp
	popa
	add $4, %esp
	iret

	.balign 8
gdt:	.quad 0
	.quad 0x00cf9b000000ffff	/* code: 4 GiB from 0 */
	.quad 0x00cf93000000ffff	/* data: the same */
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.bss
	.balign 16
	.skip 16384
stack_top:

	.section .note.GNU-stack, "", @progbits
