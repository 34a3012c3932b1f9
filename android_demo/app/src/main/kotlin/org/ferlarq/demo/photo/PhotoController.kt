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

    fun read(uri: Uri) {
        val started = ++generation
        store.updatePhoto(PhotoState.Working)
        foundations.background.execute {
            val result = readNow(uri)
            main.execute { if (started == generation) store.updatePhoto(result) }
        }
    }

    fun fail(problem: Problem) {
        generation++
        store.updatePhoto(PhotoState.Failed(problem))
    }

    private fun readNow(uri: Uri): PhotoState = try {
        val picture = readPicture(context.contentResolver, uri)
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
    } catch (_: IOException) {
        PhotoState.Failed(Problem.PICTURE_UNREADABLE)
    } catch (_: OutOfMemoryError) {
        PhotoState.Failed(Problem.OUT_OF_MEMORY)
    } catch (_: RuntimeException) { // of the networks
        PhotoState.Failed(Problem.MODEL_UNUSABLE)
    }

    /** Writes the picture with its frames to where others may read it, then calls [done]. */
    fun prepareSharing(read: PhotoState.Read, done: (Uri) -> Unit) {
        foundations.background.execute {
            val annotated = read.picture.copy(Bitmap.Config.ARGB_8888, true)
            val painter = FacePainter(context)
            painter.setTextSize(maxOf(16f, annotated.width / 28f))
            val place = RectF(0f, 0f, annotated.width.toFloat(), annotated.height.toFloat())
            val canvas = Canvas(annotated)
            for (face in read.faces) {
                painter.draw(canvas, face, read.labels, place, scale = 1f, mirrored = false)
            }
            val name = PictureProvider.SHARED
            PictureProvider.pictureFile(context, name).outputStream().use {
                annotated.compress(Bitmap.CompressFormat.JPEG, 92, it)
            }
            main.execute { done(PictureProvider.uriOf(name)) }
        }
    }
}
