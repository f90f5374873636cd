#pragma once

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
