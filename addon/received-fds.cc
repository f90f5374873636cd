#include "received-fds.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstring>

#include "fd.h"

ReceivedFds::~ReceivedFds() {
  if (count_ > 0) CloseElsewhere({fds_.data(), fds_.data() + count_});
}

void ReceivedFds::Take(msghdr* message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t bytes = header->cmsg_len - CMSG_LEN(0);
    std::memcpy(&fds_[count_], CMSG_DATA(header), bytes);
    count_ += bytes / sizeof(int);
  }
}

void ReceivedFds::ReleaseInto(Exchange* exchange) {
  for (size_t i = 0; i < count_; i++) {
    // DONT_SYNC: the identity is all that is wanted, and a file's server could keep us waiting for the rest.
    struct statx identity {};
    statx(fds_[i], "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &identity);
    exchange->fds[i] = {static_cast<double>(fds_[i]),
                        static_cast<double>(makedev(identity.stx_dev_major, identity.stx_dev_minor)),
                        static_cast<double>(identity.stx_ino)};
  }
  exchange->fd_count = static_cast<double>(count_);
  count_ = 0;
}
