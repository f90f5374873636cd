{
  'variables': {
    # Headers found here count as system headers: only our own code answers to the warnings below. The path has to be
    # absolute, as gyp leaves cflags alone when it moves the build to build/.
    'napi%': '<!(node -p "require(\'path\').resolve(require(\'node-addon-api\').include_dir)")',
    # node-gyp configure -- -Dsanitize=address && node-gyp build
    'sanitize%': '',
  },
  'targets': [
    {
      'target_name': 'kms_switcher',
      'sources': [
        'addon/addon.cc',
        'addon/atomic.cc',
        'addon/card.cc',
        'addon/card-info.cc',
        'addon/dmabuf.cc',
        'addon/dumb.cc',
        'addon/error.cc',
        'addon/exchange.cc',
        'addon/fence.cc',
        'addon/framebuffer.cc',
        'addon/input.cc',
        'addon/input-events.cc',
        'addon/keymap.cc',
        'addon/memfd.cc',
        'addon/mode-info.cc',
        'addon/pixel-format.cc',
        'addon/pixels.cc',
        'addon/poll.cc',
        'addon/received-fds.cc',
        'addon/scaling.cc',
        'addon/seat.cc',
        'addon/uevent.cc',
        'addon/uinput.cc',
        'addon/unix-listener.cc',
        'addon/unix-socket.cc',
        'addon/writeback.cc',
        'addon/yuv.cc',
      ],
      'defines': [
        'NAPI_VERSION=9',
        'NODE_ADDON_API_CPP_EXCEPTIONS',
        # A worker that is terminated inside a callback would otherwise take the process with it.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags!': ['-fno-exceptions'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17'],
      'cflags': [
        '-isystem <(napi)',
        '<!@(pkg-config --cflags libdrm libinput libseat libudev xkbcommon)',
        '-fvisibility=hidden',
        '-Wall', '-Wextra', '-Wshadow', '-Wpedantic', '-Wconversion', '-Wno-sign-conversion', '-Wnon-virtual-dtor', '-Werror',
      ],
      'cflags_cc': ['-std=c++17'],
      # Where only workers have it loaded, the last one's end would take the code away from threads of ours that still let go
      # of a file.
      'ldflags': ['-Wl,-z,nodelete'],
      'libraries': ['<!@(pkg-config --libs libdrm libinput libseat libudev xkbcommon)'],
      'conditions': [
        ['sanitize!=""', {
          'cflags': ['-fsanitize=<(sanitize)', '-fno-omit-frame-pointer'],
          'ldflags': ['-fsanitize=<(sanitize)'],
        }],
      ],
    },
  ],
}
