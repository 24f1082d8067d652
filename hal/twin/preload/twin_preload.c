/*
 * Leads the spidev and i2c-dev calls of any dynamically linked program to a virtual chip (TWIN_SOCKET.md).
 *
 *   cc -shared -fPIC -O2 -o twin_preload.so twin_preload.c -ldl -lpthread
 *   PASSERELLE_TWIN=/tmp/chip LD_PRELOAD=./twin_preload.so PROGRAM ...
 *
 *   /dev/spidev0.0  the SX1302          /dev/i2c-1   the thermometer
 *   /dev/spidev0.1  the SX1261
 *
 * The first open pulses both reset pins, as a board's reset script does.  With PASSERELLE_TWIN_VIRTUAL=1 sleeps
 * take no time: they are told to the chip, which then must run in virtual time.
 *
 * Sources: linux/spi/spidev.h (SPI_IOC_MESSAGE), linux/i2c-dev.h (I2C_RDWR), TWIN_SOCKET.md.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/spi/spidev.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HEADER_BYTES 6
#define BODY_LIMIT_BYTES 65536
#define TRANSFERS_LIMIT 64
#define SETTINGS 8 /* mode, order, bits, speed, mode32 by their ioctl numbers */

enum device { SX1302, SX1261, I2C, DEVICES };

static const char *const paths[DEVICES] = {"/dev/spidev0.0", "/dev/spidev0.1", "/dev/i2c-1"};
static int descriptors[DEVICES] = {-1, -1, -1};
static int line = -1;
static uint32_t settings[DEVICES][SETTINGS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char *what)
{
    fprintf(stderr, "twin_preload: %s: %s\n", what, strerror(errno));
    _exit(111);
}

static void send_all(const void *data, size_t count)
{
    for (const char *at = data; count > 0;) {
        ssize_t sent = send(line, at, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue; /* a signal for the program, such as its Ctrl-C, is no end of the line */
        if (sent <= 0)
            give_up("the virtual chip is gone");
        at += sent;
        count -= (size_t)sent;
    }
}

static void receive_all(void *data, size_t count)
{
    for (char *at = data; count > 0;) {
        ssize_t received = recv(line, at, count, 0);
        if (received < 0 && errno == EINTR)
            continue;
        if (received <= 0)
            give_up("the virtual chip is gone");
        at += received;
        count -= (size_t)received;
    }
}

/* Caller holds the lock. */
static void put_header(unsigned char *header, char kind, unsigned char target, uint32_t length)
{
    header[0] = (unsigned char)kind;
    header[1] = target;
    for (int index = 0; index < 4; index++)
        header[2 + index] = (unsigned char)(length >> (8 * index));
}

static void connect_once(void)
{
    const char *path = getenv("PASSERELLE_TWIN");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    unsigned char header[HEADER_BYTES];

    if (line >= 0)
        return;
    if (path == NULL || strlen(path) >= sizeof address.sun_path) {
        errno = EINVAL;
        give_up("PASSERELLE_TWIN must name the socket of a virtual chip");
    }
    strcpy(address.sun_path, path);
    line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line < 0 || connect(line, (struct sockaddr *)&address, sizeof address) != 0)
        give_up(path);
    for (unsigned char pin = 0; pin < 2; pin++) {
        put_header(header, 'R', pin, 0);
        send_all(header, sizeof header);
    }
}

static enum device device_of(int descriptor)
{
    for (int device = 0; device < DEVICES; device++)
        if (descriptor >= 0 && descriptors[device] == descriptor)
            return (enum device)device;
    return DEVICES;
}

static int open_any(const char *symbol, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, symbol);

    for (int device = 0; device < DEVICES; device++) {
        if (strcmp(path, paths[device]) != 0)
            continue;
        pthread_mutex_lock(&lock);
        connect_once();
        descriptors[device] = real("/dev/null", O_RDWR | O_CLOEXEC);
        pthread_mutex_unlock(&lock);
        return descriptors[device];
    }
    return real(path, flags, mode);
}

#define OPEN(NAME)                                                                                           \
    int NAME(const char *path, int flags, ...)                                                               \
    {                                                                                                        \
        va_list rest;                                                                                        \
        va_start(rest, flags);                                                                               \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? (mode_t)va_arg(rest, int) : 0;                       \
        va_end(rest);                                                                                        \
        return open_any(#NAME, path, flags, mode);                                                           \
    }

OPEN(open)
OPEN(open64)

int close(int descriptor)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
    enum device device = device_of(descriptor);

    if (device != DEVICES)
        descriptors[device] = -1;
    return real(descriptor);
}

/* One SPI_IOC_MESSAGE is one chip-select assertion, however many transfers it has. */
static int spi_message(enum device device, const struct spi_ioc_transfer *transfers, unsigned int count)
{
    static unsigned char frame[HEADER_BYTES + BODY_LIMIT_BYTES];
    unsigned char length_bytes[4];
    size_t total = 0;

    for (unsigned int index = 0; index < count; index++)
        total += transfers[index].len;
    if (count > TRANSFERS_LIMIT || total > BODY_LIMIT_BYTES) {
        errno = EMSGSIZE;
        return -1;
    }
    pthread_mutex_lock(&lock);
    memset(frame, 0, HEADER_BYTES + total);
    put_header(frame, 'S', (unsigned char)device, (uint32_t)total);
    unsigned char *at = frame + HEADER_BYTES;
    for (unsigned int index = 0; index < count; at += transfers[index++].len)
        if (transfers[index].tx_buf != 0)
            memcpy(at, (const void *)(uintptr_t)transfers[index].tx_buf, transfers[index].len);
    send_all(frame, HEADER_BYTES + total);
    receive_all(length_bytes, sizeof length_bytes);
    receive_all(frame, total);
    at = frame;
    for (unsigned int index = 0; index < count; at += transfers[index++].len)
        if (transfers[index].rx_buf != 0)
            memcpy((void *)(uintptr_t)transfers[index].rx_buf, at, transfers[index].len);
    pthread_mutex_unlock(&lock);
    return (int)total;
}

/* Mode, speed and the like change nothing on a virtual bus, but are read back as they were written. */
static int spi_setting(enum device device, unsigned long request, void *argument)
{
    uint32_t *setting = &settings[device][_IOC_NR(request)];
    size_t size = _IOC_SIZE(request);

    if (size > sizeof *setting) {
        errno = EINVAL;
        return -1;
    }
    if (_IOC_DIR(request) & _IOC_WRITE)
        memcpy(setting, argument, size);
    else
        memcpy(argument, setting, size);
    return 0;
}

static int i2c_messages(struct i2c_rdwr_ioctl_data *batch)
{
    for (unsigned int index = 0; index < batch->nmsgs; index++) {
        struct i2c_msg *message = &batch->msgs[index];
        int reads = message->flags & I2C_M_RD;
        uint16_t length = message->len;
        unsigned char header[HEADER_BYTES] = {'I', (unsigned char)message->addr};
        unsigned char status;

        header[reads ? 4 : 2] = (unsigned char)length;
        header[reads ? 5 : 3] = (unsigned char)(length >> 8);
        pthread_mutex_lock(&lock);
        send_all(header, sizeof header);
        if (!reads)
            send_all(message->buf, length);
        receive_all(&status, 1);
        if (reads)
            receive_all(message->buf, length);
        pthread_mutex_unlock(&lock);
        if (status != 0) {
            errno = EREMOTEIO;
            return -1;
        }
    }
    return (int)batch->nmsgs;
}

int ioctl(int descriptor, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    enum device device = device_of(descriptor);

    if (device == DEVICES) {
        int (*real)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
        return real(descriptor, request, argument);
    }
    if (device == I2C)
        return request == I2C_RDWR ? i2c_messages(argument) : 0;
    if (_IOC_TYPE(request) != SPI_IOC_MAGIC || _IOC_NR(request) >= SETTINGS) {
        errno = ENOTTY;
        return -1;
    }
    if (_IOC_NR(request) != 0)
        return spi_setting(device, request, argument);
    return spi_message(device, argument, _IOC_SIZE(request) / sizeof(struct spi_ioc_transfer));
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *left)
{
    int (*real)(clockid_t, int, const struct timespec *, struct timespec *) =
        (int (*)(clockid_t, int, const struct timespec *, struct timespec *))dlsym(RTLD_NEXT, "clock_nanosleep");
    const char *is_virtual = getenv("PASSERELLE_TWIN_VIRTUAL");

    if (line < 0 || flags != 0 || is_virtual == NULL || strcmp(is_virtual, "1") != 0)
        return real(clock, flags, request, left);
    uint64_t nanoseconds = (uint64_t)request->tv_sec * 1000000000u + (uint64_t)request->tv_nsec;
    unsigned char frame[HEADER_BYTES + 8];
    put_header(frame, 'D', 0, 8);
    for (int index = 0; index < 8; index++)
        frame[HEADER_BYTES + index] = (unsigned char)(nanoseconds >> (8 * index));
    pthread_mutex_lock(&lock);
    send_all(frame, sizeof frame);
    pthread_mutex_unlock(&lock);
    return 0;
}
