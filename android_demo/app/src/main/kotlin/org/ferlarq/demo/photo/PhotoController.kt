package org.ferlarq.demo.photo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.RectF
import android.net.Uri
import java.io.IOException
import java.util.concurrent.Executor
import org.ferlarq.demo.FacePainter
import org.ferlarq.demo.Foundations
import org.ferlarq.demo.PhotoState
import org.ferlarq.demo.Problem
import org.ferlarq.demo.Store
import org.ferlarq.demo.THREADS

/** Reads pictures that the user chooses. Its methods are called on the main thread. */
class PhotoController(
    private val context: Context,
    private val foundations: Foundations,
    private val store: Store,
    private val main: Executor,
) {
    private var generation = 0

    /** The picture that is shown, for when the system ends the app and starts it again. */
    var source: Uri? = null
        private set

    fun read(uri: Uri) {
        source = uri
        val started = ++generation
        store.updatePhoto(PhotoState.Working)
        foundations.background.execute {
            val result = readNow(uri)
            main.execute { if (started == generation) store.updatePhoto(result) }
        }
    }

    fun readAgain() {
        source?.let(::read)
    }

    fun fail(problem: Problem) {
        generation++
        source = null
        store.updatePhoto(PhotoState.Failed(problem))
    }

    private fun readNow(uri: Uri): PhotoState = try {
        readFaces(readPicture(context.contentResolver, uri))
    } catch (_: IOException) {
        PhotoState.Failed(Problem.PICTURE_UNREADABLE)
    } catch (_: OutOfMemoryError) {
        PhotoState.Failed(Problem.OUT_OF_MEMORY)
    }

    private fun readFaces(picture: Bitmap): PhotoState = try {
        val luma = toLuma(picture)
        val card = foundations.readCard()
        val faces = foundations.openDetector(THREADS).use { detector ->
            foundations.openClassifier(card, THREADS).use { readFaces(luma, detector, it) }
        }
        if (faces.isEmpty()) {
            PhotoState.Failed(Problem.NO_FACE)
        } else {
            PhotoState.Read(picture, faces, card.labels)
        }
    } catch (_: RuntimeException) { // of the networks
        PhotoState.Failed(Problem.MODEL_UNUSABLE)
    }

    /** Writes the picture with its frames to where others may read it, then calls [done]. */
    fun prepareSharing(read: PhotoState.Read, done: (Uri) -> Unit) {
        val started = generation
        foundations.background.execute {
            val written = try {
                writeAnnotated(read)
                true
            } catch (_: IOException) { // no room left
                false
            } catch (_: OutOfMemoryError) {
                false
            }
            main.execute {
                when {
                    started != generation -> Unit // another picture is shown by now
                    written -> done(PictureProvider.uriOf(PictureProvider.SHARED))
                    else -> store.updatePhoto(PhotoState.Failed(Problem.NOT_SHARED))
                }
            }
        }
    }

    private fun writeAnnotated(read: PhotoState.Read) {
        val (width, height) = read.picture.width to read.picture.height
        val annotated = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        val painter = FacePainter(context)
        painter.numbered = read.faces.size > 1
        painter.fitTo(width)
        val canvas = Canvas(annotated)
        canvas.drawBitmap(read.picture, 0f, 0f, painter.picture)
        val place = RectF(0f, 0f, width.toFloat(), height.toFloat())
        painter.draw(canvas, read.faces, read.labels, place, scale = 1f, mirrored = false)
        PictureProvider.pictureFile(context, PictureProvider.SHARED).outputStream().use {
            if (!annotated.compress(Bitmap.CompressFormat.JPEG, 92, it)) throw IOException()
        }
    }
}
