// SPDX-License-Identifier: MIT
/* PCI Local Bus Specification 3.0: 3.2.2.3 the ports, 6 the registers. */
#include "pci.h"

#include "io.h"
#include "log.h"

#define CONFIG_ADDRESS	0xcf8
#define CONFIG_DATA	0xcfc
#define CONFIG_ENABLE	(1u << 31)
#define NO_DEVICE	0xffffffffu
#define STATUS_HAS_LIST (1u << 20) /* seen from PCI_COMMAND */
#define HEADER_TYPE	0x0e
#define MULTIFUNCTION	0x80
#define BRIDGE		1
#define SECONDARY_BUS	0x19
#define SLOTS		32
#define FUNCTIONS	8
#define CAPABILITIES	0x34
#define BAR_IO		(1u << 0)
#define BAR_64_BITS	(1u << 2)

uint32_t pci_read32(const struct pci_device *device, uint8_t offset)
{
	out32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)device->bus << 16 |
				      (uint32_t)device->slot << 11 |
				      (uint32_t)device->function << 8 |
				      (offset & 0xfc));
	return in32(CONFIG_DATA);
}

uint8_t pci_read8(const struct pci_device *device, uint8_t offset)
{
	return (uint8_t)(pci_read32(device, offset) >> offset % 4 * 8);
}

void pci_write32(const struct pci_device *device, uint8_t offset,
		 uint32_t value)
{
	pci_read32(device, offset); /* leaves its address selected */
	out32(CONFIG_DATA, value);
}

/* Bridges included: behind q35's root ports there are buses of their own. */
static bool find_on_bus(uint8_t bus, uint32_t wanted, uint32_t *others,
			struct pci_device *found)
{
	for (uint8_t slot = 0; slot < SLOTS; slot++) {
		struct pci_device at = { bus, slot, 0 };
		uint8_t functions = 1;

		if (pci_read32(&at, 0) == NO_DEVICE)
			continue;
		if (pci_read8(&at, HEADER_TYPE) & MULTIFUNCTION)
			functions = FUNCTIONS;
		for (; at.function < functions; at.function++) {
			uint32_t id = pci_read32(&at, 0);

			if (id == NO_DEVICE)
				continue;
			if (id == wanted && (*others)-- == 0) {
				*found = at;
				return true;
			}
			if ((pci_read8(&at, HEADER_TYPE) & ~MULTIFUNCTION) ==
				    BRIDGE &&
			    pci_read8(&at, SECONDARY_BUS) > bus &&
			    find_on_bus(pci_read8(&at, SECONDARY_BUS), wanted,
					others, found))
				return true;
		}
	}
	return false;
}

bool pci_find(uint16_t vendor, uint16_t id, struct pci_device *device)
{
	return pci_find_after(vendor, id, 0, device);
}

bool pci_find_after(uint16_t vendor, uint16_t id, uint32_t others,
		    struct pci_device *device)
{
	return find_on_bus(0, (uint32_t)id << 16 | vendor, &others, device);
}

void pci_enable(const struct pci_device *device)
{
	/* The upper half is the status, where writing zeroes changes nothing.
	 */
	uint32_t command = pci_read32(device, PCI_COMMAND) & 0xffff;

	pci_write32(device, PCI_COMMAND,
		    command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			    PCI_COMMAND_MASTER);
}

uint8_t *pci_bar(const struct pci_device *device, uint8_t bar)
{
	uint8_t offset = (uint8_t)(PCI_BAR0 + bar * 4);
	uint32_t low = pci_read32(device, offset);

	if (low & BAR_IO || (low & ~0xfu) == 0)
		fail("PCI BAR %u is not mapped memory: 0x%x", bar, low);
	if (low & BAR_64_BITS && pci_read32(device, offset + 4))
		fail("PCI BAR %u is above 4 GiB: give the machine less memory",
		     bar);
	return (uint8_t *)(low & ~0xfu);
}

uint8_t pci_capability(const struct pci_device *device, uint8_t id,
		       uint8_t previous)
{
	uint8_t at;

	if (!(pci_read32(device, PCI_COMMAND) & STATUS_HAS_LIST))
		return 0;
	at = pci_read8(device, previous ? previous + 1 : CAPABILITIES) & 0xfc;
	while (at && pci_read8(device, at) != id)
		at = pci_read8(device, at + 1) & 0xfc;
	return at;
}
