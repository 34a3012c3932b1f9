package org.ferlarq.demo.photo

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Matrix
import android.media.ExifInterface
import android.net.Uri
import java.io.IOException
import org.ferlarq.demo.image.LumaImage

/** Longer side, in pixels, to which larger pictures are scaled down while they are read. */
const val LARGEST_SIDE = 2048

/**
 * Reads a picture, upright and at most LARGEST_SIDE pixels long.
 *
 * @throws IOException if it is no picture, or damaged, or gone.
 * @throws OutOfMemoryError if the phone has no room for it.
 */
fun readPicture(resolver: ContentResolver, uri: Uri): Bitmap = try {
    decode(resolver, uri)
} catch (error: RuntimeException) { // of the app that holds it, its permission, or a decoder
    throw IOException(error)
}

private fun decode(resolver: ContentResolver, uri: Uri): Bitmap {
    val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    open(resolver, uri).use { BitmapFactory.decodeStream(it, null, bounds) }
    val longer = maxOf(bounds.outWidth, bounds.outHeight)
    if (bounds.outWidth <= 0 || bounds.outHeight <= 0) throw IOException("no picture")
    val options = BitmapFactory.Options()
    if (longer > LARGEST_SIDE) {
        // Every second, fourth ... pixel is the decoder's own way; the rest is scaled.
        options.inSampleSize = Integer.highestOneBit(longer / LARGEST_SIDE)
        options.inDensity = longer / options.inSampleSize
        options.inTargetDensity = LARGEST_SIDE
        options.inScaled = true
    }
    val picture = open(resolver, uri).use { BitmapFactory.decodeStream(it, null, options) }
        ?: throw IOException("damaged picture")
    val turn = open(resolver, uri).use { turnOf(ExifInterface(it)) }
    if (turn.isIdentity) return picture
    return Bitmap.createBitmap(picture, 0, 0, picture.width, picture.height, turn, true)
}

private fun open(resolver: ContentResolver, uri: Uri) =
    resolver.openInputStream(uri) ?: throw IOException("nothing to read")

/** What makes a picture stand upright; cameras note it in the file instead of turning pixels. */
private fun turnOf(exif: ExifInterface): Matrix {
    val matrix = Matrix()
    val normal = ExifInterface.ORIENTATION_NORMAL
    when (exif.getAttributeInt(ExifInterface.TAG_ORIENTATION, normal)) {
        ExifInterface.ORIENTATION_FLIP_HORIZONTAL -> matrix.setScale(-1f, 1f)
        ExifInterface.ORIENTATION_ROTATE_180 -> matrix.setRotate(180f)
        ExifInterface.ORIENTATION_FLIP_VERTICAL -> matrix.setScale(1f, -1f)
        ExifInterface.ORIENTATION_TRANSPOSE -> matrix.apply { setRotate(90f); postScale(-1f, 1f) }
        ExifInterface.ORIENTATION_ROTATE_90 -> matrix.setRotate(90f)
        ExifInterface.ORIENTATION_TRANSVERSE -> matrix.apply { setRotate(-90f); postScale(-1f, 1f) }
        ExifInterface.ORIENTATION_ROTATE_270 -> matrix.setRotate(-90f)
    }
    return matrix
}

/** Grey as Pillow's mode "L" has it: (19595 R + 38470 G + 7471 B) / 65536, rounded. */
fun toLuma(picture: Bitmap): LumaImage {
    val image = LumaImage()
    image.reshape(picture.width, picture.height, picture.width, rotation = 0)
    val row = IntArray(picture.width)
    for (y in 0 until picture.height) {
        picture.getPixels(row, 0, picture.width, 0, y, picture.width, 1)
        for (x in row.indices) {
            val red = row[x] shr 16 and 0xff
            val green = row[x] shr 8 and 0xff
            val blue = row[x] and 0xff
            val grey = 19595 * red + 38470 * green + 7471 * blue + 0x8000 shr 16
            image.pixels[y * picture.width + x] = grey.toByte()
        }
    }
    return image
}
