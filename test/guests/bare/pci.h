/* SPDX-License-Identifier: MIT */
/* PCI configuration space by ports 0xcf8 and 0xcfc, as every machine has. */
#ifndef PCI_H
#define PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_COMMAND	      0x04
#define PCI_COMMAND_IO	      (1u << 0)
#define PCI_COMMAND_MEMORY    (1u << 1)
#define PCI_COMMAND_MASTER    (1u << 2)
#define PCI_CLASS	      0x08
#define PCI_BAR0	      0x10
#define PCI_INTERRUPT_LINE    0x3c
#define PCI_CAPABILITY_VENDOR 0x09

struct pci_device {
	uint8_t bus, slot, function;
};

/* The first one, a bridge's bus coming where the bridge is. */
bool pci_find(uint16_t vendor, uint16_t id, struct pci_device *device);
/* The one after so many others of its kind. */
bool pci_find_after(uint16_t vendor, uint16_t id, uint32_t others,
		    struct pci_device *device);

uint32_t pci_read32(const struct pci_device *device, uint8_t offset);
uint8_t pci_read8(const struct pci_device *device, uint8_t offset);
void pci_write32(const struct pci_device *device, uint8_t offset,
		 uint32_t value);

/* Lets it decode its BARs and reach memory. */
void pci_enable(const struct pci_device *device);

/* Where the firmware put a memory BAR; fails above 4 GiB. */
uint8_t *pci_bar(const struct pci_device *device, uint8_t bar);

/* The next capability with this id after `previous` (0: the first), or 0. */
uint8_t pci_capability(const struct pci_device *device, uint8_t id,
		       uint8_t previous);

#endif
