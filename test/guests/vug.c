// SPDX-License-Identifier: MIT
#include "vug.h"

#include <errno.h>

#include "vug-socket.h"

int vug_handshake(struct vug *vug, uint64_t wanted)
{
	uint64_t offered;
	int ret =
		vug_send(vug, VUG_GET_PROTOCOL_FEATURES, NULL, 0, NULL, 0, -1);

	if (ret == 0)
		ret = vug_receive_reply(vug, VUG_GET_PROTOCOL_FEATURES,
					&offered, sizeof(offered));
	if (ret < 0)
		return ret;
	vug->features = offered & wanted;
	return vug_send(vug, VUG_SET_PROTOCOL_FEATURES, &vug->features,
			sizeof(vug->features), NULL, 0, -1);
}

int vug_display_info(struct vug *vug, struct vug_display_info *info)
{
	int ret = vug_send(vug, VUG_GET_DISPLAY_INFO, NULL, 0, NULL, 0, -1);

	if (ret == 0)
		ret = vug_receive_reply(vug, VUG_GET_DISPLAY_INFO, info,
					sizeof(*info));
	if (ret == 0 && info->header.type != VUG_VIRTIO_OK_DISPLAY_INFO)
		ret = -EPROTO;
	return ret;
}

int vug_read_edid(struct vug *vug, uint32_t head, struct vug_edid *edid)
{
	int ret;

	if (!(vug->features & VUG_FEATURE_EDID))
		return -EOPNOTSUPP;
	ret = vug_send(vug, VUG_GET_EDID, &head, sizeof(head), NULL, 0, -1);
	if (ret == 0)
		ret = vug_receive_reply(vug, VUG_GET_EDID, edid, sizeof(*edid));
	if (ret == 0 && (edid->header.type != VUG_VIRTIO_OK_EDID ||
			 edid->size > VUG_EDID_MAX))
		ret = -EPROTO;
	return ret;
}

int vug_scanout_dmabuf(struct vug *vug, uint32_t head,
		       const struct vug_dmabuf *buffer)
{
	const struct vug_rect *view = &buffer->view;
	struct vug_dmabuf_scanout2 message = {
		.scanout = {
			head, view->x, view->y, view->width, view->height,
			buffer->width, buffer->height, buffer->stride,
			buffer->flags, buffer->fourcc,
		},
		.modifier = buffer->modifier,
	};

	if (vug->features & VUG_FEATURE_DMABUF2)
		return vug_send(vug, VUG_DMABUF_SCANOUT2, &message,
				sizeof(message), NULL, 0, buffer->fd);
	return vug_send(vug, VUG_DMABUF_SCANOUT, &message.scanout,
			sizeof(message.scanout), NULL, 0, buffer->fd);
}

int vug_update_dmabuf(struct vug *vug, uint32_t head,
		      const struct vug_rect *damage)
{
	struct vug_update message = { head, damage->x, damage->y, damage->width,
				      damage->height };

	return vug_send(vug, VUG_DMABUF_UPDATE, &message, sizeof(message), NULL,
			0, -1);
}

int vug_wait_update(struct vug *vug)
{
	return vug_receive_reply(vug, VUG_DMABUF_UPDATE, NULL, 0);
}

int vug_scanout_pixels(struct vug *vug, uint32_t head, uint32_t width,
		       uint32_t height)
{
	struct vug_scanout message = { head, width, height };

	return vug_send(vug, VUG_SCANOUT, &message, sizeof(message), NULL, 0,
			-1);
}

int vug_update_pixels(struct vug *vug, uint32_t head,
		      const struct vug_rect *rect, const uint32_t *pixels)
{
	struct vug_update message = { head, rect->x, rect->y, rect->width,
				      rect->height };

	return vug_send(vug, VUG_UPDATE, &message, sizeof(message), pixels,
			rect->width * rect->height * 4, -1);
}

int vug_scanout_off(struct vug *vug, uint32_t head)
{
	return vug_scanout_pixels(vug, head, 0, 0);
}

int vug_cursor_define(struct vug *vug, const struct vug_cursor_update *cursor)
{
	return vug_send(vug, VUG_CURSOR_UPDATE, cursor, sizeof(*cursor), NULL,
			0, -1);
}

int vug_cursor_move(struct vug *vug, uint32_t head, uint32_t x, uint32_t y,
		    bool visible)
{
	struct vug_cursor_pos message = { head, x, y };

	return vug_send(vug, visible ? VUG_CURSOR_POS : VUG_CURSOR_POS_HIDE,
			&message, sizeof(message), NULL, 0, -1);
}
