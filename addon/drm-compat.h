#pragma once

#include <linux/dma-buf.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

/** What the kernel has and older libdrm headers lack. Whether the running kernel has it shows when it is
 * tried. */

#ifndef DRM_IOCTL_MODE_CLOSEFB  // Linux 6.8, libdrm 2.4.121
struct drm_mode_closefb {
  __u32 fb_id;
  __u32 pad;
};
#define DRM_IOCTL_MODE_CLOSEFB DRM_IOWR(0xD0, struct drm_mode_closefb)
#endif

#ifndef DMA_BUF_IOCTL_EXPORT_SYNC_FILE  // Linux 6.0
struct dma_buf_export_sync_file {
  __u32 flags;
  __s32 fd;
};
#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE _IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#endif
